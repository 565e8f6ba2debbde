"""Interleaved timing of contenders in one process, so that temporary slowdowns of the machine affect all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch

from robustkit.errors import UsageError

T = TypeVar("T")

Clock = Callable[[], float]


@dataclass(frozen=True)
class Timed(Generic[T]):
    """The seconds of each run of a contender, and the result of its last run."""

    seconds: list[float]
    result: T

    @property
    def median(self) -> float:
        """The median of the runs in seconds."""
        return statistics.median(self.seconds)


@dataclass(frozen=True)
class Rounds:
    """The settings of a timing.

    Parameters
    ----------
    repeats
        Runs of each contender; the median counts.
    clock
        Returns the time in seconds.
    note
        Called with a progress message before each run.

    Raises
    ------
    UsageError
        If `repeats` is less than 1.
    """

    repeats: int = 3
    clock: Clock = time.perf_counter
    note: Callable[[str], None] = lambda sentence: None

    def __post_init__(self) -> None:
        if self.repeats < 1:
            raise UsageError(f"repeats={self.repeats} must be at least 1")


def interleaved(contenders: Mapping[str, Callable[[], T]], device: torch.device, rounds: Rounds) -> dict[str, Timed[T]]:
    """Run all contenders once per round, and time every run.

    Parameters
    ----------
    contenders
        The functions to run, by name; every other round runs them in reverse order.
    device
        Synchronised before the clock is read.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    results: dict[str, T] = {}
    for number in range(rounds.repeats):
        for name in list(contenders)[:: -1 if number % 2 else 1]:
            rounds.note(f"round {number + 1} of {rounds.repeats}: {name}")
            _wait(device)
            start = rounds.clock()
            results[name] = contenders[name]()
            _wait(device)
            seconds[name].append(rounds.clock() - start)
    return {name: Timed(seconds[name], results[name]) for name in contenders}


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
