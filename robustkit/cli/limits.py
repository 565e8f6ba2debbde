"""The time limit for a model's answers, which the process that supervises the command keeps."""

from __future__ import annotations

from typing import Annotated

import typer

from robustkit import watch

#: Seconds that a model may take for one answer unless told otherwise.
LIMIT = 1800.0


def _set(seconds: float) -> float:
    watch.set_limit(seconds)
    return seconds


Timeout = Annotated[
    float,
    typer.Option(min=0, callback=_set, help="Seconds that the model may take to load, or for one batch; 0 for no limit"),
]
