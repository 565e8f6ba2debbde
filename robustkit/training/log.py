"""What every epoch measured, as CSV and for TensorBoard."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from types import TracebackType

from lightning_fabric.loggers.tensorboard import TensorBoardLogger


class Log:
    """Writes ``metrics.csv`` whole after every epoch, and TensorBoard events.

    Parameters
    ----------
    out
        The run's folder.
    history
        The rows so far; a resumed run has some. The caller appends to it.
    active
        Whether this process writes.
    """

    def __init__(self, out: Path, history: list[dict[str, float]], active: bool) -> None:
        self.path, self.history, self.active = out / "metrics.csv", history, active
        self.board = TensorBoardLogger(out, name="tensorboard", version="", purge_step=len(history) + 1) if active else None

    def __enter__(self) -> Log:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.board:
            self.board.finalize("success" if error is None else "failed")

    def epoch(self, row: dict[str, float]) -> None:
        """Note an epoch, which is the last of the history."""
        if not self.board:
            return
        self.board.log_metrics({key: value for key, value in row.items() if key != "epoch"}, step=int(row["epoch"]))
        partial = self.path.with_suffix(".partial")
        with open(partial, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(row))
            writer.writeheader()
            writer.writerows(self.history)
        os.replace(partial, self.path)
