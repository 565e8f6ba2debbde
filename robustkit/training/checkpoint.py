"""The state of a run on disk: written whole or not at all, read without running code."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from robustkit.errors import UsageError


@dataclass(kw_only=True)
class Progress:
    """How far a run is.

    Parameters
    ----------
    epoch, batch
        The next batch to train on, both counted from 0.
    losses
        The losses of this epoch's batches so far.
    best
        The greatest score of the validations so far: robust (if there is a threat), then clean accuracy.
    history
        One row an epoch.
    """

    epoch: int = 0
    batch: int = 0
    losses: list[Tensor] = field(default_factory=list)
    best: list[float] = field(default_factory=list)
    history: list[dict[str, float]] = field(default_factory=list)


def save_checkpoint(path: Path, progress: Progress, state: dict[str, Any]) -> None:
    """Write the run's state; a crash in the middle leaves the checkpoint before it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    torch.save({"progress": asdict(progress), **state}, partial)
    os.replace(partial, path)


def load_checkpoint(path: Path, device: torch.device) -> tuple[Progress, dict[str, Any]] | None:
    """The state that was saved; None if there is none.

    Raises
    ------
    UsageError
        If the file is damaged.
    """
    if not path.exists():
        return None
    try:
        state = torch.load(path, map_location=device, weights_only=True)
        return Progress(**state.pop("progress")), state
    except Exception as error:
        raise UsageError(f"checkpoint {path} cannot be read ({error}): delete it to begin again") from error
