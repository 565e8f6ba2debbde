"""The cases with a bar, on networks and batches small enough for a test."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch
from torch import nn

from robustkit import InputSpec, Model
from robustkit.benchmarks.bench.memory import memory, peak_of_child, write_images
from robustkit.benchmarks.bench.network import noise
from robustkit.benchmarks.bench.overhead import overhead, square
from robustkit.benchmarks.bench.result import Bar
from robustkit.benchmarks.bench.timing import Rounds
from robustkit.benchmarks.bench.training import training


def small() -> Model:
    with torch.random.fork_rng():
        net = nn.Sequential(nn.Conv2d(3, 4, 8, stride=8), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 64, 1000))
    return Model(net, spec=InputSpec(size=(64, 64)), device="cpu")


def stopwatch(*durations: float) -> itertools.chain[float]:
    """Readings of a clock around runs that take so long."""
    ends = list(itertools.accumulate(durations))
    return itertools.chain.from_iterable(zip([0.0, *ends[:-1]], ends, strict=True))


def test_overhead_is_the_ratio_of_medians() -> None:
    readings = stopwatch(1.5, 1, 1, 9, 1.02, 1)  # ours, loop; loop, ours; ours, loop
    bench = overhead(noise(model=small(), batch=2), Rounds(clock=lambda: next(readings)), steps=3)
    (bar,) = bench.bars
    assert bar.value == pytest.approx(1.5)
    assert bar.rounds == pytest.approx([1.5, 9, 1.02])
    assert not bar.met
    assert (bench.entries[0].forwards, bench.entries[0].backwards) == (5, 3)


def test_square_is_measured_over_its_own_forward_passes() -> None:
    readings = stopwatch(1.2, 1)
    bench = square(noise(model=small(), batch=2), Rounds(1, lambda: next(readings)), steps=3)
    assert bench.bars[0].value == pytest.approx(1.2)
    assert not bench.bars[0].met
    assert (bench.entries[0].forwards, bench.entries[0].backwards) == (5, 0)
    assert (bench.entries[1].name, bench.entries[1].forwards) == ("bare loop of 5 forward passes", 5)


def test_training_leaves_the_weights_as_they_are() -> None:
    model = small()
    before = {name: value.clone() for name, value in model.net.state_dict().items()}
    readings = stopwatch(1, 1)
    bench = training(noise(model=model, batch=2), Rounds(1, lambda: next(readings)), steps=2)
    assert bench.bars[0].value == 1
    assert bench.bars[0].met
    assert all(torch.equal(value, before[name]) for name, value in model.net.state_dict().items())


def test_memory_compares_the_peaks_of_two_audits(monkeypatch: pytest.MonkeyPatch) -> None:
    peaks = iter([400.0, 450.0])
    monkeypatch.setattr("robustkit.benchmarks.bench.memory.peak_of_child", lambda folder, device: next(peaks))
    (bar,) = memory(few=8, many=16, device="cpu").bars
    assert bar.value == 1.125
    assert not bar.met


def test_a_child_says_its_peak(tmp_path: Path) -> None:
    write_images(tmp_path / "images.npz", 8, seed=0)
    assert peak_of_child(tmp_path, "cpu") > 50


def test_a_bar_at_its_limit_is_kept() -> None:
    assert Bar(name="a", value=5, limit=5, sense="at least").met
    assert Bar(name="a", value=5, limit=5, sense="at most").met
