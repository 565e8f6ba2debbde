"""Which samples are due to a cell."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from robustkit.benchmarks.due import curve_ids, due_for, shards
from robustkit.benchmarks.records import SCHEMA, Records


def rows(**columns: Any) -> Records:
    n = len(columns["sample_id"])
    whole = {field.name: np.zeros(n, dtype=object if field.name == "status" else int) for field in SCHEMA}
    whole["status"][:] = "failed"
    return Records({**whole, **{name: np.asarray(values) for name, values in columns.items()}})


def cell(before: tuple[str, ...] = (), within: float | None = None, part: str = "main") -> Any:
    return SimpleNamespace(before=before, within=within, part=part)


CLEAN = rows(
    sample_id=[3, 5, 7, 9], label=[0, 1, 2, 1], prediction=[0, 1, 0, 1], status=["failed", "failed", "misclassified", "error"]
)


def test_correctly_classified_samples_with_an_answer_are_due():
    assert due_for(cell(), CLEAN, {}, np.array([])).tolist() == [True, True, False, False]


def test_survivors_that_came_close_are_due():
    earlier = rows(sample_id=[3, 5], verified=[True, False], margin=[-1.0, 0.2], clean_margin=[1.0, 1.0])
    assert due_for(cell(("a",)), CLEAN, {"a": earlier}, np.array([])).tolist() == [False, True, False, False]
    assert not due_for(cell(("a",), within=0.1), CLEAN, {"a": earlier}, np.array([])).any()
    assert due_for(cell(("a",), within=0.2), CLEAN, {"a": earlier}, np.array([])).tolist() == [False, True, False, False]


def test_the_curve_has_samples_of_its_own():
    assert due_for(cell(part="curve"), CLEAN, {}, np.array([5, 7])).tolist() == [False, True, False, False]
    assert curve_ids(np.arange(10, 20), 3).tolist() == [10, 14, 19]
    assert curve_ids(np.arange(2), 5).tolist() == [0, 1]


def test_shards_cover_every_sample_once():
    assert [(name, list(range(7))[at]) for name, at in shards(7, 3)] == [
        ("00000000-00000003", [0, 1, 2]), ("00000003-00000006", [3, 4, 5]), ("00000006-00000007", [6])
    ]  # fmt: skip
