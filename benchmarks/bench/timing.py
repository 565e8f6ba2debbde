"""Contenders timed in turns within one process: what slows the machine down for a while slows all of them down."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch

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


def in_turns(
    contenders: Mapping[str, Callable[[], T]],
    repeats: int,
    device: torch.device,
    clock: Clock = time.perf_counter,
    note: Callable[[str], None] = lambda sentence: None,
) -> dict[str, Timed[T]]:
    """Run every contender `repeats` times, all of them once before any of them again.

    Parameters
    ----------
    contenders
        What to run, by name; every other round goes through them backwards.
    repeats
        Rounds.
    device
        Waited for before the clock is read.
    clock
        Seconds.
    note
        Is told what runs.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    results: dict[str, T] = {}
    for turn in range(repeats):
        for name in list(contenders)[:: -1 if turn % 2 else 1]:
            note(f"round {turn + 1} of {repeats}: {name}")
            _wait(device)
            start = clock()
            results[name] = contenders[name]()
            _wait(device)
            seconds[name].append(clock() - start)
    return {name: Timed(seconds[name], results[name]) for name in contenders}


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
