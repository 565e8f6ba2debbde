"""Noise of the sensor and of the line (Hendrycks and Dietterich, arXiv 1903.12261)."""

from __future__ import annotations

from torch import Tensor

from robustkit.corruptions.draws import Draws
from robustkit.corruptions.poisson import poisson_quantile
from robustkit.corruptions.severity import strength


def gaussian_noise(x: Tensor, severity: int, draws: Draws) -> Tensor:
    """Every element with normal noise of its own."""
    width = strength(x, severity, (0.08, 0.12, 0.18, 0.26, 0.38), (0.04, 0.06, 0.08, 0.09, 0.10))
    return x + width * draws.normal(x.shape[1:], "noise", x.dtype)


def shot_noise(x: Tensor, severity: int, draws: Draws) -> Tensor:
    """Every element a count of photons: Poisson, with so many in full light."""
    photons = strength(x, severity, (60, 25, 12, 5, 3), (500, 250, 100, 75, 50))
    u = draws.uniform(x.shape[1:], "noise") + 2.0**-25  # to the middle of its step, away from 0
    return (poisson_quantile(u, x * photons) / photons).to(x.dtype)


def impulse_noise(x: Tensor, severity: int, draws: Draws) -> Tensor:
    """A share of the elements black or white, half of it each (salt and pepper)."""
    amount = strength(x, severity, (0.03, 0.06, 0.09, 0.17, 0.27), (0.01, 0.02, 0.03, 0.05, 0.07))
    u = draws.uniform(x.shape[1:], "noise")
    return x.masked_fill(u < amount, 0).masked_fill(u < amount / 2, 1)


def speckle_noise(x: Tensor, severity: int, draws: Draws) -> Tensor:
    """Normal noise in proportion to the light."""
    width = strength(x, severity, (0.15, 0.2, 0.35, 0.45, 0.6), (0.06, 0.1, 0.12, 0.16, 0.2))
    return x + x * width * draws.normal(x.shape[1:], "noise", x.dtype)
