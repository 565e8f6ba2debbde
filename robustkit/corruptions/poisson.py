"""Poisson draws by inversion of one uniform number each, so that they are the same on every device."""

from __future__ import annotations

import torch
from torch import Tensor

REACH = 6  #: maximum error of the initial guess, for rates up to some thousands


def poisson_quantile(u: Tensor, rate: Tensor) -> Tensor:
    """The smallest k with ``P(X <= k) >= u`` for Poisson X with this rate, float64. `u` in (0, 1), rate at least 0.

    Starts from the Cornish-Fisher expansion and follows the distribution function to the exact value.
    """
    u, rate = u.double(), rate.double()
    z = torch.special.ndtri(u)
    guess = (rate + rate.sqrt() * z + (z * z - 1) / 6).round()
    k: Tensor = (guess - REACH).clamp_min(0)
    positive = rate.clamp_min(1e-300)
    cumulative = torch.special.gammaincc(k + 1, rate)
    term = (k * positive.log() - rate - torch.lgamma(k + 1)).exp()
    for _ in range(2 * REACH):
        below = cumulative < u
        k = torch.where(below, k + 1, k)
        term = torch.where(below, term * rate / k.clamp_min(1), term)
        cumulative = torch.where(below, cumulative + term, cumulative)
    return k
