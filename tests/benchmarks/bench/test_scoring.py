"""Figures from answers and times that can be worked out by hand."""

from __future__ import annotations

import pytest
import torch

from robustkit.benchmarks.bench.contender import Answer, Contender
from robustkit.benchmarks.bench.result import SkippedPeer
from robustkit.benchmarks.bench.scoring import median_distance, score
from robustkit.benchmarks.bench.timing import Timed

RIGHT = torch.tensor([True, True, True, False])


def contender(name: str, **options: object) -> Contender:
    return Contender(name, options.pop("kind", "attack"), lambda: lambda: "unused", **options)  # type: ignore[arg-type]


def answer(robust: list[int], distance: list[float], forwards: int = 0, backwards: int = 0) -> Answer:
    return Answer(torch.tensor(robust).bool(), torch.tensor(distance).double(), forwards, backwards)


def test_ratios_and_passes_a_sample() -> None:
    ours, theirs = contender("ours"), contender("theirs", kind="peer", against="ours")
    timed = {
        "ours": Timed([3.0, 2.0, 9.0], lambda: answer([1, 0, 1, 0], [1, 2, 3, 0], forwards=20, backwards=8)),
        "theirs beside ours": Timed([6.0], lambda: answer([0, 0, 1, 0], [1, 2, 3, 0], forwards=40)),
    }
    (first, second), failed = score([ours, theirs], timed, RIGHT, forward=0.1, gradient=0.35)
    assert failed == []
    assert (first.robust_accuracy, second.robust_accuracy) == (0.5, 0.25)
    assert (first.forwards, first.backwards) == (5, 2)
    assert (first.seconds, first.runs, first.ratio_to_ours) == (3, [3, 2, 9], None)
    # 20 forwards and 8 backwards of one image, of which 4 cost 0.1 and 0.25 seconds.
    assert first.ratio_to_raw == pytest.approx(3 * 4 / (20 * 0.1 + 8 * 0.25))
    assert first.cost == pytest.approx(3 / 0.35)
    assert (second.ratio_to_ours, second.against) == (2, "ours")
    assert (first.distance, first.optimality) == (None, None)


def test_distances_are_for_those_who_look_for_the_nearest() -> None:
    near, far, climb = contender("near", minimizes=True), contender("far", minimizes=True), contender("climb")
    timed = {
        "near": Timed([1.0], lambda: answer([0, 0, 0, 0], [1, 2, 4, 0])),
        "far": Timed([1.0], lambda: answer([0, 0, 0, 0], [2, 3, 9, 0])),
        "climb": Timed([1.0], lambda: answer([0, 0, 0, 0], [5, 5, 5, 0])),
    }
    entries, _ = score([near, far, climb], timed, RIGHT, 0.1, 0.3)
    assert [entry.distance for entry in entries] == [2, 3, None]
    assert entries[0].optimality == pytest.approx(1)
    assert entries[1].optimality == pytest.approx(1 - (9 - 7) / (12 - 7))
    assert entries[0].ratio_to_raw is None  # no passes were counted


def test_who_has_no_answer_is_left_out_in_its_own_words() -> None:
    peer = contender("theirs", kind="peer", against="ours")
    timed = {"ours": Timed([1.0], lambda: answer([1], [0.1])), "theirs beside ours": Timed([1.0], lambda: "fails: no")}
    entries, failed = score([contender("ours"), peer], timed, torch.tensor([True]), 0.1, 0.3)
    assert [entry.name for entry in entries] == ["ours"]
    assert failed == [SkippedPeer(name="theirs beside ours", reason="fails: no")]


def test_the_median_is_over_correctly_classified_images() -> None:
    assert median_distance(answer([0] * 4, [1, 2, torch.inf, 0]), RIGHT) == 2
    assert median_distance(answer([0] * 4, [1, 2, 3, 0]), ~RIGHT) == 0
    assert median_distance(answer([0] * 4, [1, 2, 3, 0]), RIGHT & False) is None
