"""Confidence intervals for proportions and their differences, the exact McNemar test, and accuracy at chance level."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from scipy import stats

Method = Literal["wilson", "clopper-pearson"]

#: Significance level at which an accuracy is distinguished from chance.
CHANCE_LEVEL = 0.01
#: Minimum number of images outside the most frequent class for any conclusion.
FEWEST_OTHERS = 10


class Estimate(BaseModel):
    """A proportion with its confidence interval.

    Parameters
    ----------
    value, low, high
        In [0, 1], never NaN. Without samples the value is 0 and the interval is [0, 1].
    n
        The number of samples.
    method
        The method of the interval, which covers sampling error only.
    """

    model_config = ConfigDict(frozen=True)

    value: float
    low: float
    high: float
    n: int
    method: Method = "wilson"


class Difference(BaseModel):
    """The first proportion minus the second with its confidence interval, in [-1, 1].

    Parameters
    ----------
    value, low, high
        Never NaN. Without samples of either the value is 0 and the interval is [-1, 1].
    n
        The number of pairs, or of samples in the smaller of two independent groups.
    method
        The method of the interval, which covers sampling error only.
    """

    model_config = ConfigDict(frozen=True)

    value: float
    low: float
    high: float
    n: int
    method: Literal["newcombe", "newcombe-paired"]


def estimate(successes: float, n: int, confidence: float = 0.95) -> Estimate:
    """The share `successes / n` with its two-sided Wilson interval (Wilson 1927, doi:10.1080/01621459.1927.10502953).

    Of `n` shares in [0, 1] instead of successes, `successes` is the sum; the interval of their mean is then conservative, because
    nothing in [0, 1] varies more than successes and failures of the same mean.
    """
    if n == 0:
        return Estimate(value=0.0, low=0.0, high=1.0, n=0)
    p, z2 = successes / n, float(stats.norm.ppf((1 + confidence) / 2)) ** 2
    centre, half = p + z2 / (2 * n), (z2 * p * (1 - p) / n + (z2 / (2 * n)) ** 2) ** 0.5
    low, high = ((centre + side * half) / (1 + z2 / n) for side in (-1, 1))
    return Estimate(value=p, low=max(0.0, min(low, p)), high=min(1.0, max(high, p)), n=n)


def difference(first: Estimate, second: Estimate) -> Difference:
    """The difference of two independent proportions with Newcombe's hybrid interval.

    Newcombe 1998, doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I, method 10.
    """
    return _square_and_add(first, second, 0.0, "newcombe")


def paired_difference(both: int, first_only: int, second_only: int, neither: int) -> Difference:
    """The difference of two proportions of the same samples with Newcombe's interval for pairs.

    Newcombe 1998, doi:10.1002/(SICI)1097-0258(19981130)17:22<2635::AID-SIM954>3.0.CO;2-C, method 10.

    Parameters
    ----------
    both, first_only, second_only, neither
        The numbers of pairs in which both succeed, only one of them, and neither.
    """
    first, second = both + first_only, both + second_only
    n = first + second_only + neither
    margins = first * (n - first) * second * (n - second)
    product = both * neither - first_only * second_only
    # A positive correlation narrows the interval, so that it is counted only beyond a continuity correction.
    corrected = max(product - n / 2, 0) if product > 0 else product
    correlation = corrected / margins**0.5 if margins else 0.0
    return _square_and_add(estimate(first, n), estimate(second, n), correlation, "newcombe-paired")


def mcnemar(first_only: int, second_only: int) -> float:
    """The two-sided p-value of the exact McNemar test (McNemar 1947, doi:10.1007/BF02295996), 1 if no pair is discordant."""
    discordant = first_only + second_only
    return float(stats.binomtest(first_only, discordant).pvalue) if discordant else 1.0


def _square_and_add(
    first: Estimate, second: Estimate, correlation: float, method: Literal["newcombe", "newcombe-paired"]
) -> Difference:
    """The interval whose half-widths are combined from those of the two proportions, as of correlated variables."""
    n = min(first.n, second.n)
    if n == 0:
        return Difference(value=0.0, low=-1.0, high=1.0, n=0, method=method)

    def half(a: float, b: float) -> float:
        return math.sqrt(max(a * a - 2 * correlation * a * b + b * b, 0.0))

    value = first.value - second.value
    low = value - half(first.value - first.low, second.high - second.value)
    high = value + half(first.high - first.value, second.value - second.low)
    return Difference(value=value, low=max(-1.0, low), high=min(1.0, high), n=n, method=method)


def clopper_pearson(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """One-sided exact bounds, each holding with `confidence` (Clopper and Pearson 1934, doi:10.1093/biomet/26.4.404)."""
    low = 0.0 if successes == 0 else float(stats.beta.ppf(1 - confidence, successes, n - successes + 1))
    high = 1.0 if successes == n else float(stats.beta.ppf(confidence, successes + 1, n - successes))
    return low, high


def chance_agreement(label: NDArray[np.integer], prediction: NDArray[np.integer], classes: int) -> float:
    """The expected accuracy of predictions that are independent of the images.

    It is ``1 / classes``, or higher if frequent labels coincide with frequent predictions; the latter needs enough labels
    outside the most frequent class.
    """
    often = np.bincount(label)
    uniform = 1 / max(classes, 1)
    if len(label) - often.max() < FEWEST_OTHERS:
        return uniform
    length = max(len(often), int(prediction.max()) + 1)
    shares = [np.bincount(column, minlength=length) / len(column) for column in (label, prediction)]
    return max(uniform, float(shares[0] @ shares[1]))
