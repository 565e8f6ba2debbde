"""Checkpoints of training runs, written atomically and read without running code."""

from __future__ import annotations

import math
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from robustkit.errors import UnsafeFileError, UsageError
from robustkit.files import atomic
from robustkit.models.pickles import unsafe_name


@dataclass(kw_only=True)
class Progress:
    """The position of a run.

    Parameters
    ----------
    epoch, batch
        The next batch to train on, both counted from 0.
    losses
        The losses of this epoch's batches so far.
    best
        The best validation score so far: robust accuracy (0 without a threat), then clean accuracy.
    history
        One row per epoch.
    """

    epoch: int = 0
    batch: int = 0
    losses: list[Tensor] = field(default_factory=list)
    best: list[float] = field(default_factory=list)
    history: list[dict[str, float]] = field(default_factory=list)

    def check(self, epochs: int, batches: int) -> None:
        """Raise `ValueError` if this is not a valid position of a run with this many epochs and batches per epoch."""
        if not (type(self.epoch) is int and 0 <= self.epoch <= epochs):
            raise ValueError(f"its epoch is {self.epoch!r}, but the run has {epochs}")
        if not (type(self.batch) is int and 0 <= self.batch < batches and (self.batch == 0 or self.epoch < epochs)):
            raise ValueError(f"its batch is {self.batch!r}, but an epoch has {batches}")
        if not (isinstance(self.losses, list) and len(self.losses) == self.batch):
            raise ValueError("it does not contain one loss for each batch of the epoch")
        if not all(isinstance(loss, Tensor) and loss.ndim == 0 and loss.is_floating_point() for loss in self.losses):
            raise ValueError("its losses are not numbers")
        if not (isinstance(self.history, list) and all(isinstance(row, dict) for row in self.history)):
            raise ValueError("its history is not a list of rows")
        if [row.get("epoch") for row in self.history] != list(range(1, self.epoch + 1)):
            raise ValueError("its history does not contain one row for each epoch")
        if not all(_is_share(row.get("clean")) and _is_share(row.get("robust", 0.0)) for row in self.history):
            raise ValueError("its history contains accuracies outside [0, 1]")
        scores = [[float(row.get("robust", 0.0)), float(row["clean"])] for row in self.history]
        if self.best != max(scores, default=[]):
            raise ValueError("its best score is not that of its history")


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and 0 <= value <= 1


def save_checkpoint(path: Path, progress: Progress, state: dict[str, Any]) -> None:
    """Write the run's state; a crash while writing keeps the previous checkpoint.

    Raises
    ------
    UsageError
        If it cannot be written.
    """
    with atomic(path) as partial:
        try:
            torch.save({"progress": asdict(progress), **state}, partial)
        except RuntimeError as error:
            if "inline_container" not in str(error) and "PytorchStreamWriter" not in str(error):
                raise
            raise OSError("the disk is full, or the file too large") from error  # the meaning of PyTorch's error


def load_checkpoint(path: Path, device: torch.device) -> tuple[Progress, dict[str, Any]] | None:
    """The saved state; None if there is none.

    Raises
    ------
    UsageError
        If the file is damaged.
    UnsafeFileError
        If reading it would run code.
    """
    if not path.exists():
        return None
    try:
        state = torch.load(path, map_location=device, weights_only=True)
        return Progress(**state.pop("progress")), state
    except Exception as error:
        name = _code_in(path)
        if name is not None:
            raise UnsafeFileError(
                f"checkpoint {path} was refused, because reading it could run code ({name}): delete {path.parent} to start again"
            ) from error
        raise unreadable(path, error) from error


def _code_in(path: Path) -> str | None:
    """The first name in a file rejected by torch that weights do not need; None if there is none."""
    entry = None
    if zipfile.is_zipfile(path):
        try:
            with zipfile.ZipFile(path) as archive:
                stored = [each for each in archive.infolist() if each.compress_type == zipfile.ZIP_STORED]
        except (OSError, zipfile.BadZipFile, RuntimeError, ValueError, EOFError):
            return None
        entry = next((each for each in stored if each.filename.rpartition("/")[2] == "data.pkl"), None)
    return unsafe_name(path, entry)


def unreadable(path: Path, error: Exception) -> UsageError:
    """The error for a checkpoint that is damaged or belongs to another run."""
    cause = next(iter(str(error).splitlines()), "") or type(error).__name__
    return UsageError(f"checkpoint {path} cannot be read ({cause}): delete {path.parent} to start again")
