"""Intervals against values from the papers' formulas."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from robustkit.benchmarks.statistics import clopper_pearson, difference, estimate, mcnemar, paired_difference


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


def test_difference_is_newcombes_example() -> None:
    found = difference(estimate(56, 70), estimate(48, 80))
    assert (round(found.low, 4), round(found.high, 4)) == (0.0524, 0.3339)
    assert found.n == 70


def test_paired_difference_is_that_of_the_r_package_contingencytables() -> None:
    found = paired_difference(59, 6, 16, 80)  # Cavo et al. 2012
    assert (round(found.value, 4), round(found.low, 4), round(found.high, 4)) == (-0.0621, -0.1186, -0.0046)


def test_no_pairs_say_nothing() -> None:
    found = paired_difference(0, 0, 0, 0)
    assert (found.value, found.low, found.high, found.n) == (0.0, -1.0, 1.0, 0)


def test_mcnemar_is_the_sign_test_of_discordant_pairs() -> None:
    assert mcnemar(6, 0) == pytest.approx(2 / 2**6)
    assert mcnemar(0, 0) == mcnemar(3, 3) == 1.0


pairs = st.tuples(*[st.integers(0, 30)] * 4)


@given(pairs)
def test_a_difference_is_inside_its_interval_and_changes_sign_with_its_order(counts: tuple[int, int, int, int]) -> None:
    both, first, second, neither = counts
    found, swapped = paired_difference(both, first, second, neither), paired_difference(both, second, first, neither)
    assert -1 <= found.low <= found.value <= found.high <= 1
    assert (swapped.value, swapped.low, swapped.high) == pytest.approx((-found.value, -found.high, -found.low))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_the_interval_of_a_mean_share_encloses_it(shares: list[float]) -> None:
    found = estimate(sum(shares), len(shares))
    assert 0 <= found.low <= found.value <= found.high <= 1
