"""Contenders run in turns, and figures come from medians."""

from __future__ import annotations

import pytest
import torch

from robustkit.benchmarks.bench.timing import Rounds, interleaved
from robustkit.errors import UsageError


class FakeClock:
    """A clock that only moves when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_runs_alternate_and_the_median_counts() -> None:
    clock, order = FakeClock(), []
    durations = {"a": iter([1.0, 9.0, 3.0]), "b": iter([2.0, 2.0, 50.0])}

    def contender(name: str) -> str:
        order.append(name)
        clock.now += next(durations[name])
        return f"{name}{len(order)}"

    timed = interleaved({n: lambda n=n: contender(n) for n in "ab"}, torch.device("cpu"), Rounds(3, clock))  # type: ignore[misc]
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert timed["a"].seconds == [1.0, 9.0, 3.0]
    assert (timed["a"].median, timed["b"].median) == (3.0, 2.0)
    assert (timed["a"].result, timed["b"].result) == ("a5", "b6")


def test_nothing_to_repeat_is_refused() -> None:
    with pytest.raises(UsageError, match="repeats=0"):
        Rounds(0)
