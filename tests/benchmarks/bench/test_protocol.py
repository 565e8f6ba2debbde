"""A suite takes part as an audit would carry it out, and answers with the worst case over its attacks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from robustkit import build
from robustkit.benchmarks.bench.contender import Ground, attack_contender
from robustkit.benchmarks.bench.protocol import SuiteRun, protocol_contender, verdict
from robustkit.benchmarks.running.records import Records
from robustkit.errors import AttackError, UsageError

IDS = np.array([7, 3, 5])


def test_a_suite_is_at_least_as_strong_as_its_attack(ground: Ground) -> None:
    suite = protocol_contender(ground, "suite:quick")
    found, alone = suite.run()(), attack_contender(ground, "apgd-ce", build.attack("apgd-ce:steps=20")).run()()
    assert not isinstance(found, str)
    assert not isinstance(alone, str)
    assert (suite.kind, found.robust.tolist()) == ("protocol", alone.robust.tolist())
    assert found.forwards > alone.forwards


def test_unknown_suites_are_refused(ground: Ground) -> None:
    with pytest.raises(UsageError, match="suite 'quik' is unknown"):
        protocol_contender(ground, "suite:quik")


def test_each_sample_counts_by_its_worst_attack_and_nearest_image(rows: Callable[..., Records]) -> None:
    clean = rows([3, 5, 7], status=["failed", "failed", "misclassified"], nearest_distance=[np.inf, np.inf, 0], forwards=1)
    first = rows([3, 5], nearest_distance=[0.2, np.inf], forwards=4, backwards=3)
    second = rows([3], verified=True, status="found", nearest_distance=0.1, forwards=2)
    answer = verdict(IDS, "suite:s", SuiteRun(clean, [first, second], [], ()))
    assert answer.robust.tolist() == [False, False, True]  # in the order of the ids: 7, 3, 5
    assert answer.distance.tolist() == pytest.approx([0, 0.1, np.inf])
    assert (answer.forwards, answer.backwards) == (3 + 8 + 2, 6)


def test_a_sample_without_an_answer_is_not_robust(rows: Callable[..., Records]) -> None:
    answer = verdict(IDS, "suite:s", SuiteRun(rows([3, 5, 7]), [rows([3, 5, 7], status=["error", "failed", "failed"])], [], ()))
    assert answer.robust.tolist() == [True, False, True]


def test_a_crash_of_one_attack_ends_the_bench(rows: Callable[..., Records]) -> None:
    with pytest.raises(AttackError, match=r"an attack of suite:s crashed: boom"):
        verdict(IDS, "suite:s", SuiteRun(rows([3]), [rows([3]), replace(rows([3]), message="boom")], [], ()))
