"""A bench on a tiny net: what is judged, what is counted, and who is left out."""

from __future__ import annotations

import itertools

import pytest
from torch import Tensor

from robustkit import Model, Threat
from robustkit.benchmarks.bench.contest import FASTER, against_peers, contest
from robustkit.benchmarks.bench.result import Bench, Entry
from robustkit.benchmarks.bench.timing import Rounds
from robustkit.data.load import as_data
from robustkit.errors import NothingEvaluatedError

THREAT = Threat.parse("linf:0.105")  # reaches the ten images that are at most 0.10 from the boundary


def run(model: Model, data: tuple[Tensor, Tensor], **options: object) -> Bench:
    ticks = itertools.count()
    return contest(model, as_data(data), THREAT, Rounds(clock=lambda: float(next(ticks))), **options)  # type: ignore[arg-type]


def test_entries_are_judged_and_counted(linear_model: Model, linear_data: tuple[Tensor, Tensor]) -> None:
    bench = run(linear_model, linear_data, attacks=["pgd:steps=5,early_exit=false", "noise:steps=2"], peers=False)
    pgd, noise = bench.entries
    assert (bench.n, bench.clean_accuracy) == (20, 1.0)
    assert pgd.robust_accuracy == 0.5
    assert (pgd.forwards, pgd.backwards) == (7, 5)
    assert noise.backwards == 0
    assert Bench.model_validate_json(bench.model_dump_json()) == bench


def test_ratios_are_over_as_many_bare_passes(linear_model: Model, linear_data: tuple[Tensor, Tensor]) -> None:
    # Each run takes one tick, so ten bare passes of either kind cost 0.1 a pass.
    bench = run(linear_model, linear_data, attacks=["pgd:steps=5,early_exit=false"], peers=False)
    (pgd,) = bench.entries
    assert bench.raw_seconds == {"forward": 0.1, "forward and backward": 0.1}
    assert pgd.ratio_to_raw == pytest.approx(1 / (5 * 0.1 + 2 * 0.1))
    assert pgd.cost == pytest.approx(10)


def test_minimum_norm_attacks_are_judged_by_distance(linear_model: Model, linear_data: tuple[Tensor, Tensor]) -> None:
    bench = run(linear_model, linear_data, attacks=["fmn:steps=60", "pgd:steps=5"], peers=False)
    fmn, pgd = bench.entries
    # Of the distances 0.01, 0.02 ... 0.20 the median is 0.105; no other came nearer.
    assert fmn.distance == pytest.approx(0.105, rel=0.01)
    assert fmn.optimality == pytest.approx(1)
    assert (pgd.distance, pgd.optimality) == (None, None)


def test_bars_ask_for_speed_and_strength() -> None:
    ours = Entry(name="pgd", kind="attack", runs=[1.0], robust_accuracy=0.4)
    slow = Entry(name="art/PGD:a=1", kind="peer", against="pgd", runs=[6.0], robust_accuracy=0.5)
    strong = Entry(name="foolbox/PGD", kind="peer", against="pgd", runs=[4.0], robust_accuracy=0.3)
    bars = against_peers([ours, slow, strong])
    assert [(bar.value, bar.limit, bar.met) for bar in bars] == [(6, FASTER, True), (4, FASTER, False), (0.4, 0.3, False)]


def test_without_images_there_is_nothing_to_bench_on(linear_model: Model, linear_data: tuple[Tensor, Tensor]) -> None:
    x, y = linear_data
    with pytest.raises(NothingEvaluatedError, match="has no images"):
        run(linear_model, (x[:0], y[:0]))
