"""Which samples are due to a cell."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from robustkit.benchmarks.running.due import curve_ids, due_for, shards


def cell(before: tuple[str, ...] = (), **settings: Any) -> Any:
    return SimpleNamespace(
        **({"before": before, "within": None, "beyond": None, "probe": 0.0, "part": "main", "among": ()} | settings)
    )


@pytest.fixture
def clean(rows):
    statuses = ["failed", "failed", "misclassified", "error"]
    return rows([3, 5, 7, 9], label=[0, 1, 2, 1], prediction=[0, 1, 0, 1], status=statuses)


def test_correctly_classified_samples_with_an_answer_are_due(clean):
    assert due_for(cell(), clean, {}, np.array([])).tolist() == [True, True, False, False]


def test_survivors_that_came_close_are_due(clean, rows):
    earlier = rows([3, 5], verified=[True, False], margin=[-1.0, 0.2], clean_margin=[1.0, 1.0])
    assert due_for(cell(("a",)), clean, {"a": earlier}, np.array([])).tolist() == [False, True, False, False]
    assert not due_for(cell(("a",), within=0.1), clean, {"a": earlier}, np.array([])).any()
    assert due_for(cell(("a",), within=0.2), clean, {"a": earlier}, np.array([])).tolist() == [False, True, False, False]


def test_bands_split_the_survivors(clean, rows):
    clean = rows([3, 5, 8], status=["failed"] * 3)
    earlier = rows([3, 5, 8], margin=[0.1, 0.4, 0.9], clean_margin=[1.0, 1.0, 1.0])
    bands = [(None, 0.3), (0.3, 0.7), (0.7, None)]
    due = [due_for(cell(("a",), beyond=low, within=high), clean, {"a": earlier}, np.array([])).tolist() for low, high in bands]
    assert due == np.eye(3, dtype=bool).tolist()


def test_a_probe_adds_a_share_of_the_samples_that_stayed_far(rows):
    clean = rows(range(1000), status=["failed"] * 1000)
    earlier = rows(range(1000), margin=[0.1] * 100 + [1.0] * 900, clean_margin=[1.0] * 1000)
    due = due_for(cell(("a",), within=0.3, probe=0.1), clean, {"a": earlier}, np.array([]))
    assert due[:100].all()
    assert due[100:].sum() == pytest.approx(90, abs=2)
    assert not due_for(cell(("a",), within=0.3), clean, {"a": earlier}, np.array([]))[100:].any()


def test_a_cell_may_follow_the_successes_of_others(clean, rows):
    done = {"a": rows([3, 5], verified=[True, False]), "b": rows([5], verified=[True])}
    assert due_for(cell(among=("a",)), clean, done, np.array([])).tolist() == [True, False, False, False]
    assert due_for(cell(among=("a", "b")), clean, done, np.array([])).tolist() == [True, True, False, False]
    assert due_for(cell(("a",), among=("a", "b")), clean, done, np.array([])).tolist() == [False, True, False, False]


def test_the_curve_has_samples_of_its_own(clean):
    assert due_for(cell(part="curve"), clean, {}, np.array([5, 7])).tolist() == [False, True, False, False]
    assert curve_ids(np.arange(10, 20), 3).tolist() == [10, 14, 19]
    assert curve_ids(np.arange(2), 5).tolist() == [0, 1]


def test_shards_cover_every_sample_once():
    assert [(name, list(range(7))[at]) for name, at in shards(7, 3)] == [
        ("00000000-00000003", [0, 1, 2]), ("00000003-00000006", [3, 4, 5]), ("00000006-00000007", [6])
    ]  # fmt: skip
