"""What every epoch measured, as CSV and for TensorBoard."""

from __future__ import annotations

import csv
import io
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from lightning_fabric.loggers.tensorboard import TensorBoardLogger

from robustkit.files import unwritable, write_text


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
            with suppress(OSError):  # a full disk was said already, or costs the curves alone
                self.board.finalize("success" if error is None else "failed")

    def epoch(self, row: dict[str, float]) -> None:
        """Note an epoch, which is the last of the history."""
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
