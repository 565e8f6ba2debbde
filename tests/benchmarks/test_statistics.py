"""Intervals against values from the papers' formulas."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from robustkit.benchmarks.statistics import clopper_pearson, estimate


@pytest.mark.parametrize(("k", "n"), [(80, 100), (0, 7), (7, 7), (1, 1000)])
def test_wilson_is_that_of_scipy(k: int, n: int) -> None:
    expected = stats.binomtest(k, n).proportion_ci(method="wilson")
    found = estimate(k, n)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_no_samples_say_nothing() -> None:
    assert (estimate(0, 0).low, estimate(0, 0).high) == (0.0, 1.0)


def test_clopper_pearson_of_all_and_none() -> None:
    assert clopper_pearson(0, 59) == pytest.approx((0.0, 1 - 0.05 ** (1 / 59)))
    assert clopper_pearson(59, 59) == pytest.approx((0.05 ** (1 / 59), 1.0))


@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_bounds_enclose_the_share(counts: tuple[int, int]) -> None:
    k, n = counts
    low, high = clopper_pearson(k, n)
    assert 0 <= low <= k / n <= high <= 1
    assert estimate(k, n).low <= k / n <= estimate(k, n).high
