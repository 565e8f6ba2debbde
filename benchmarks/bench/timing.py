"""Contenders timed in turns within one process: what slows the machine down for a while slows all of them down."""

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
    """What a contender took each time, in seconds, and what it returned the last time."""

    seconds: list[float]
    result: T

    @property
    def median(self) -> float:
        """Seconds of the middle run."""
        return statistics.median(self.seconds)


@dataclass(frozen=True)
class Rounds:
    """How often contenders run.

    Parameters
    ----------
    repeats
        Runs of each, of which the median counts.
    clock
        Seconds.
    note
        Is told what runs.

    Raises
    ------
    UsageError
        If there is nothing to repeat.
    """

    repeats: int = 3
    clock: Clock = time.perf_counter
    note: Callable[[str], None] = lambda sentence: None

    def __post_init__(self) -> None:
        if self.repeats < 1:
            raise UsageError(f"repeats={self.repeats} must be at least 1")


def in_turns(contenders: Mapping[str, Callable[[], T]], device: torch.device, rounds: Rounds) -> dict[str, Timed[T]]:
    """Run every contender so many times, all of them once before any of them again.

    Parameters
    ----------
    contenders
        What to run, by name; every other round goes through them backwards.
    device
        Waited for before the clock is read.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    results: dict[str, T] = {}
    for turn in range(rounds.repeats):
        for name in list(contenders)[:: -1 if turn % 2 else 1]:
            rounds.note(f"round {turn + 1} of {rounds.repeats}: {name}")
            _wait(device)
            start = rounds.clock()
            results[name] = contenders[name]()
            _wait(device)
            seconds[name].append(rounds.clock() - start)
    return {name: Timed(seconds[name], results[name]) for name in contenders}


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
