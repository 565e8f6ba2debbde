"""Progress on stderr, with rate and remaining time: a live display in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any, Protocol

from robustkit.printable import one_line


class Progress(Protocol):
    """The events that the harness reports."""

    def start(self, cells: list[tuple[str, str, str, str]], samples: int) -> None:
        """Announce cells as (name, attack, threat, part), and the samples of each."""

    def enter(self, cell: str) -> None:
        """Work on a cell begins or continues."""

    def advance(self, cell: str, samples: int, *, cached: bool = False) -> None:
        """A cell has finished some samples; `cached` if they were on disk."""

    def note(self, sentence: str) -> None:
        """Any other message for the user."""

    def stop(self) -> None:
        """The work is finished."""


class Silent:
    """No output, for use from Python."""

    def start(self, cells: list[tuple[str, str, str, str]], samples: int) -> None: ...
    def enter(self, cell: str) -> None: ...
    def advance(self, cell: str, samples: int, *, cached: bool = False) -> None: ...
    def note(self, sentence: str) -> None: ...
    def stop(self) -> None: ...


class Lines:
    """A plain line every few seconds, for logs."""

    every = 5.0

    def __init__(self) -> None:
        self.began = self.last = time.monotonic()
        self.total = self.done = self.computed = 0
        self.labels: dict[str, str] = {}

    def start(self, cells: list[tuple[str, str, str, str]], samples: int) -> None:
        self.began, self.computed = time.monotonic(), 0
        self.total = self.done + len(cells) * samples
        self.labels = {name: f"{one_line(attack, 60)} {one_line(threat, 60)}" for name, attack, threat, _ in cells}

    def enter(self, cell: str) -> None: ...

    def advance(self, cell: str, samples: int, *, cached: bool = False) -> None:
        self.done += samples
        self.computed += 0 if cached else samples
        now = time.monotonic()
        if now - self.last < self.every and self.done < self.total:
            return
        self.last = now
        rate = self.computed / max(now - self.began, 1e-9)
        left = (self.total - self.done) / rate if rate else 0.0
        self.note(f"{self.labels.get(cell, cell)}: {self.done}/{self.total} ({rate:.0f}/s, {left:.0f} s left)")

    def note(self, sentence: str) -> None:
        print(one_line(sentence, 4000), file=sys.stderr, flush=True)

    def stop(self) -> None: ...


class Live:
    """A bar for each attack in a terminal."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars

        self.bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self.tasks: dict[str, Any] = {}
        self.busy: dict[str, float] = {}
        self.entered = time.monotonic()
        self.computed: dict[str, int] = {}

    def start(self, cells: list[tuple[str, str, str, str]], samples: int) -> None:
        from rich.markup import escape

        curve = [name for name, _, _, part in cells if part == "curve"]
        for name, attack, threat, part in cells:
            if part == "curve":
                continue
            label = f"{escape(one_line(attack, 60))} [dim]{escape(one_line(threat, 60))}[/dim]"
            label += " [dim]non-adaptive[/dim]" if part == "non-adaptive" else ""
            self.tasks[name] = self.bars.add_task(label, total=samples, rate="")
        if curve:
            task = self.bars.add_task("accuracy against eps", total=samples * len(curve), rate="")
            self.tasks |= dict.fromkeys(curve, task)
        self.bars.start()

    def enter(self, cell: str) -> None:
        self.entered = time.monotonic()

    def advance(self, cell: str, samples: int, *, cached: bool = False) -> None:
        task = self.tasks[cell]
        if not cached:
            now = time.monotonic()
            self.busy[task] = self.busy.get(task, 0.0) + now - self.entered
            self.entered = now  # the shards of a pool finish together, and its time counts once
            self.computed[task] = self.computed.get(task, 0) + samples
        rate = f"{self.computed[task] / max(self.busy[task], 1e-9):.0f}/s" if task in self.busy else "from disk"
        self.bars.update(task, advance=samples, rate=rate)

    def note(self, sentence: str) -> None:
        from rich.text import Text

        self.bars.console.print(Text(one_line(sentence, 4000)))

    def stop(self) -> None:
        self.bars.stop()


def on_stderr() -> Progress:
    """The progress display that suits stderr."""
    return Live() if sys.stderr.isatty() else Lines()
