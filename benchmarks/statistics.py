"""Confidence intervals for proportions, and accuracy at chance level."""

from __future__ import annotations

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


def estimate(successes: int, n: int, confidence: float = 0.95) -> Estimate:
    """The share `successes / n` with its two-sided Wilson interval (Wilson 1927, doi:10.1080/01621459.1927.10502953)."""
    if n == 0:
        return Estimate(value=0.0, low=0.0, high=1.0, n=0)
    p, z2 = successes / n, float(stats.norm.ppf((1 + confidence) / 2)) ** 2
    centre, half = p + z2 / (2 * n), (z2 * p * (1 - p) / n + (z2 / (2 * n)) ** 2) ** 0.5
    low, high = ((centre + side * half) / (1 + z2 / n) for side in (-1, 1))
    return Estimate(value=p, low=max(0.0, min(low, p)), high=min(1.0, max(high, p)), n=n)


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
