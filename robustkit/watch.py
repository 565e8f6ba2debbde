"""The time a model takes, recorded in memory shared with a watching process.

A network may hang in code that never returns to Python, so only another process can detect it. Nothing is recorded unless a clock
is installed, which the command line does.
"""

from __future__ import annotations

import mmap
import time
from types import TracebackType


class Clock:
    """Shared numbers: a counter of starts and ends of passes, the number of running passes, and the limit in seconds."""

    def __init__(self) -> None:
        self.words = memoryview(mmap.mmap(-1, mmap.PAGESIZE)).cast("d")

    @property
    def limit(self) -> float:
        """Maximum seconds per pass; 0 for no limit."""
        return self.words[2]

    @limit.setter
    def limit(self, seconds: float) -> None:
        self.words[2] = seconds


class AtWork:
    """A context in which a model is loaded or queried. It is reentrant: each start and end restarts the time."""

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
    """Record times on this clock from now on."""
    global _installed
    _installed = clock
    at_work.words = clock.words


def set_limit(seconds: float) -> None:
    """Set the maximum seconds per pass of a model; 0 for no limit."""
    if _installed is not None:
        _installed.limit = seconds


class Timer:
    """The watching side: detects a pass that takes longer than the clock's limit.

    Time counts only while the watcher runs, so a suspended machine or a stopped job does not count.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.seen = 0.0
        self.waited = 0.0
        self.last = time.monotonic()

    def expired(self) -> bool:
        """Whether the limit is exceeded. Call it about once per second."""
        now = time.monotonic()
        passed, self.last = min(now - self.last, 2.0), now
        count, inside = self.clock.words[0], self.clock.words[1]
        if count != self.seen or inside <= 0:
            self.seen, self.waited = count, 0.0
            return False
        self.waited += passed
        return 0 < self.clock.limit < self.waited
