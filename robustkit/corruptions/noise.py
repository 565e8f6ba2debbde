"""Noise corruptions: Gaussian, shot, impulse and speckle (Hendrycks and Dietterich, arXiv 1903.12261)."""

from __future__ import annotations

from torch import Tensor

from robustkit.corruptions.draws import Draws
from robustkit.corruptions.poisson import poisson_quantile
from robustkit.corruptions.severity import strength


def gaussian_noise(x: Tensor, severity: int, draws: Draws) -> Tensor:
    """The images with additive Gaussian noise."""
    width = strength(x, severity, (0.08, 0.12, 0.18, 0.26, 0.38), (0.04, 0.06, 0.08, 0.09, 0.10))
    return x + width * draws.normal(x.shape[1:], "noise", x.dtype)


def shot_noise(x: Tensor, severity: int, draws: Draws) -> Tensor:
    """The images with Poisson noise, as photon counts with the severity's mean for white."""
    photons = strength(x, severity, (60, 25, 12, 5, 3), (500, 250, 100, 75, 50))
    u = draws.uniform(x.shape[1:], "noise") + 2.0**-25  # the middle of the 24-bit step, which is above 0
    return (poisson_quantile(u, x * photons) / photons).to(x.dtype)


def impulse_noise(x: Tensor, severity: int, draws: Draws) -> Tensor:
    """The images with a share of elements set to black or white, half each (salt and pepper)."""
    amount = strength(x, severity, (0.03, 0.06, 0.09, 0.17, 0.27), (0.01, 0.02, 0.03, 0.05, 0.07))
    u = draws.uniform(x.shape[1:], "noise")
    return x.masked_fill(u < amount, 0).masked_fill(u < amount / 2, 1)


def speckle_noise(x: Tensor, severity: int, draws: Draws) -> Tensor:
    """The images with Gaussian noise proportional to the pixel values."""
    width = strength(x, severity, (0.15, 0.2, 0.35, 0.45, 0.6), (0.06, 0.1, 0.12, 0.16, 0.2))
    return x + x * width * draws.normal(x.shape[1:], "noise", x.dtype)
