"""AttackBench's optimality on curves whose areas can be written down."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from robustkit.benchmarks.bench.optimality import optimality


def of(*rows: list[float], right: list[bool] | None = None) -> list[float]:
    found = optimality({str(i): np.array(row) for i, row in enumerate(rows)}, np.array(right or [True] * len(rows[0])))
    return list(found.values())


def test_the_best_everywhere_scores_one() -> None:
    # Best 1, 2, 4: the curves end at 4. Areas 7/3 and 9/3 of at most 12/3.
    assert of([1, 2, 4], [2, 3, 9]) == pytest.approx([1, 1 - (9 - 7) / (12 - 7)])


def test_the_best_of_each_sample_is_the_measure() -> None:
    # Best 1, 1: end 1, and everybody who is further is as far as the end.
    assert of([1, 2, 3], [2, 1, 3]) == pytest.approx([1 - (6 - 5) / (9 - 5)] * 2)


def test_finding_nothing_scores_zero() -> None:
    assert of([1, 2], [np.inf, np.inf])[1] == 0


def test_samples_that_nobody_beat_count_to_the_end_of_the_curves() -> None:
    # Best 1, 3, never: least area (1 + 3 + 3) / 3, most 9 / 3, the second contender's (2 + 3 + 3) / 3.
    assert of([1, 3, np.inf], [2, np.inf, np.inf]) == pytest.approx([1, 1 - (8 - 7) / (9 - 7)])


def test_misclassified_samples_are_at_distance_zero() -> None:
    assert of([1, 2, 9], [2, 2, 0], right=[True, True, False]) == pytest.approx([1, 1 - (4 - 3) / (4 - 3)])


def test_nothing_found_is_no_score() -> None:
    assert of([np.inf, np.inf]) == []
    assert optimality({}, np.array([True])) == {}
    assert of([3.0], right=[False]) == []


def test_one_sample_cannot_tell_contenders_apart() -> None:
    assert of([1.0], [2.0]) == [1, 1]


distance = st.one_of(st.floats(0, 10, allow_nan=False, width=32), st.just(np.inf))
tables = st.integers(1, 8).flatmap(
    lambda n: st.tuples(
        st.lists(st.lists(distance, min_size=n, max_size=n), min_size=1, max_size=4),
        st.lists(st.booleans(), min_size=n, max_size=n),
        st.permutations(range(n)),
    )
)


@given(tables)
def test_scores_are_between_none_and_all_and_forget_the_order(
    table: tuple[list[list[float]], list[bool], list[int]],
) -> None:
    rows, right, order = table
    distances: dict[str, NDArray[np.float64]] = {str(i): np.array(row) for i, row in enumerate(rows)}
    distances["best"] = np.min(np.array(rows), axis=0)
    found = optimality(distances, np.array(right))
    assert all(-1e-9 <= score <= 1 + 1e-9 for score in found.values())
    assert found.get("best", 1.0) == pytest.approx(1)
    shuffled = optimality({name: row[order] for name, row in reversed(distances.items())}, np.array(right)[order])
    assert {name: pytest.approx(score, abs=1e-9) for name, score in found.items()} == shuffled
