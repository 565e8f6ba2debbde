"""Progress of a training run on stderr: a bar on a terminal, otherwise a line every few seconds."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar


class ProgressLine:
    """Reports finished batches, throughput and remaining time.

    Parameters
    ----------
    total
        Number of batches of the whole run.
    done
        Number of batches finished before this start.
    batch_size
        Images per batch.
    """

    every = 10.0  #: seconds between plain lines

    def __init__(self, total: int, done: int, batch_size: int) -> None:
        self.total, self.first, self.batch_size = total, done, batch_size
        self.started = time.monotonic()
        self.said = self.started
        console = Console(stderr=True)
        self.bar = Bar(TextColumn("{task.description}"), BarColumn(), console=console) if console.is_terminal else None
        self.task = self.bar.add_task("training", total=total, completed=done) if self.bar else None

    def __enter__(self) -> ProgressLine:
        if self.bar:
            self.bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.bar:
            self.bar.stop()

    def update(self, done: int, text: str, *, always: bool = False) -> None:
        """Report that `done` batches are finished, with a text about them."""
        now = time.monotonic()
        if not (self.bar or always or now - self.said >= self.every):
            return
        self.said = now
        rate = (done - self.first) / max(now - self.started, 1e-9)
        left = (self.total - done) / rate if rate else 0.0
        line = f"{text} · {rate * self.batch_size:,.0f} images/s · {_duration(left)} left"
        if self.bar and self.task is not None:
            self.bar.update(self.task, completed=done, description=line)
            if always:
                self.bar.console.print(line)
        else:
            print(line, file=sys.stderr, flush=True)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
