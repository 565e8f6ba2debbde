"""The time limit for a model's answers, which the process that supervises the command keeps."""

from __future__ import annotations

from pydantic import Field

from robustkit.cli.options import Options

#: Seconds that a model may take for one answer unless told otherwise.
LIMIT = 1800.0


class TimeOptions(Options):
    """How long the command waits."""

    timeout: float = Field(LIMIT, ge=0, description="Seconds that the model may take to load, or for one batch; 0 for no limit")
