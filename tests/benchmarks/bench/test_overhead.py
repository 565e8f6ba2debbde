"""Attacks of fixed steps are measured over bare loops of as many passes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from robustkit import Model
from robustkit.benchmarks.bench.network import noise
from robustkit.benchmarks.bench.overhead import overhead, square
from robustkit.benchmarks.bench.timing import Rounds


def test_overhead_is_the_ratio_of_medians(small: Model, stopwatch: Callable[..., Callable[[], float]]) -> None:
    # Ours, the loop of all passes, the loop without the two; backwards; the first order again.
    clock = stopwatch(1.5, 1, 0.9, 0.9, 1, 9, 1.02, 1, 0.9)
    bench = overhead(noise(model=small, batch=2), Rounds(clock=clock), steps=3)
    (bar,) = bench.bars
    assert bar.value == pytest.approx(1.5)
    assert bar.rounds == pytest.approx([1.5, 9, 1.02])
    assert not bar.met
    assert [(entry.forwards, entry.backwards) for entry in bench.entries] == [(5, 3), (5, 3), (3, 3)]
    assert [entry.ratio_to_raw for entry in bench.entries] == pytest.approx([1.5, 1, 0.9])


def test_square_is_measured_over_its_own_forward_passes(small: Model, stopwatch: Callable[..., Callable[[], float]]) -> None:
    clock = stopwatch(1.2, 1)
    bench = square(noise(model=small, batch=2), Rounds(1, clock), steps=3)
    assert bench.bars[0].value == pytest.approx(1.2)
    assert not bench.bars[0].met
    assert (bench.entries[0].forwards, bench.entries[0].backwards) == (5, 0)
    assert (bench.entries[1].name, bench.entries[1].forwards) == ("bare loop of 5 forward passes", 5)


def test_all_images_are_attacked(small: Model) -> None:
    """The labels are what the network says; else some would be misclassified already and cost nothing."""
    bench = overhead(noise(model=small, batch=4), Rounds(1), steps=2)
    assert (bench.n, bench.threat, bench.case) == (4, "linf:8/255", "overhead")
    assert (bench.entries[0].forwards, bench.entries[0].backwards) == (4, 2)
