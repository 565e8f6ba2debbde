"""The time limit for a model, enforced by the supervising process."""

from __future__ import annotations

from pydantic import Field

from robustkit.cli.options import Options

#: Default time limit in seconds for loading a model or one batch.
LIMIT = 1800.0


class TimeOptions(Options):
    """The time limit."""

    timeout: float = Field(LIMIT, ge=0, description="Seconds that the model may take to load, or for one batch; 0 for no limit")
