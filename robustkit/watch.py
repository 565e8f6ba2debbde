"""How long a model has been at work, in memory that a watching process shares.

A network may hang in code that never returns to Python, so only another process can tell. Nothing is written unless a clock is
installed, which the command line does.
"""

from __future__ import annotations

import mmap
import time
from types import TracebackType


class Clock:
    """Shared words: a count that rises with each beginning and end, how many passes are open, and the limit in seconds."""

    def __init__(self) -> None:
        self.words = memoryview(mmap.mmap(-1, mmap.PAGESIZE)).cast("d")

    @property
    def limit(self) -> float:
        """Seconds that one answer may take; 0 for no limit."""
        return self.words[2]

    @limit.setter
    def limit(self, seconds: float) -> None:
        self.words[2] = seconds


class AtWork:
    """A context in which a model is loaded or asked. It may be entered again inside: each beginning and end starts the time anew."""

    def __init__(self) -> None:
        self.words: memoryview[float] | None = None

    def __enter__(self) -> None:
        if self.words is not None:
            self.words[0] += 1
            self.words[1] += 1

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.words is not None:
            self.words[0] += 1
            self.words[1] -= 1


at_work = AtWork()
_installed: Clock | None = None


def install(clock: Clock) -> None:
    """Keep time on this clock from now on."""
    global _installed
    _installed = clock
    at_work.words = clock.words


def set_limit(seconds: float) -> None:
    """Let one answer of a model take so many seconds; 0 for no limit."""
    if _installed is not None:
        _installed.limit = seconds


class Timer:
    """The watching side: whether one answer has taken longer than the clock's limit.

    A second passes here only when the watcher runs, so a machine that slept or a job that was stopped does not count.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.seen = 0.0
        self.waited = 0.0
        self.last = time.monotonic()

    def expired(self) -> bool:
        """To be asked about once a second."""
        now = time.monotonic()
        passed, self.last = min(now - self.last, 2.0), now
        count, inside = self.clock.words[0], self.clock.words[1]
        if count != self.seen or inside <= 0:
            self.seen, self.waited = count, 0.0
            return False
        self.waited += passed
        return 0 < self.clock.limit < self.waited
