"""Metrics of each epoch, as CSV and TensorBoard events."""

from __future__ import annotations

import csv
import io
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from lightning_fabric.loggers.tensorboard import TensorBoardLogger

from robustkit.files import unwritable, write_text


class Log:
    """Writes ``metrics.csv`` and TensorBoard events after every epoch.

    Parameters
    ----------
    out
        The run's folder.
    history
        The rows so far, not empty for a resumed run. The caller appends to it.
    active
        Whether this process writes files.
    """

    def __init__(self, out: Path, history: list[dict[str, float]], active: bool) -> None:
        self.path, self.history, self.active = out / "metrics.csv", history, active
        self.board = TensorBoardLogger(out, name="tensorboard", version="", purge_step=len(history) + 1) if active else None

    def __enter__(self) -> Log:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.board:
            with suppress(OSError):  # a full disk was already reported, or affects only the curves
                self.board.finalize("success" if error is None else "failed")

    def epoch(self, row: dict[str, float]) -> None:
        """Write an epoch's row, which must be the last of the history."""
        if not self.board:
            return
        try:
            self.board.log_metrics({key: value for key, value in row.items() if key != "epoch"}, step=int(row["epoch"]))
        except OSError as error:
            raise unwritable(self.path.parent / "tensorboard", error) from error
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, fieldnames=list(row))
        writer.writeheader()
        writer.writerows(self.history)
        write_text(self.path, text.getvalue())
