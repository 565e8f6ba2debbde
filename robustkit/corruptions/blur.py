"""Blur corruptions: Gaussian, defocus, glass, motion and zoom (Hendrycks and Dietterich, arXiv 1903.12261)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from robustkit.corruptions.draws import Draws
from robustkit.corruptions.glass import disorder
from robustkit.corruptions.motion import motion
from robustkit.corruptions.resampling import Matrix, correlate, gaussian, zoom
from robustkit.corruptions.severity import strength


def gaussian_blur(x: Tensor, severity: int, draws: Draws) -> Tensor:
    """The images convolved with a Gaussian."""
    return gaussian(x, strength(x, severity, (1.0, 2.0, 3.0, 4.0, 6.0), (0.4, 0.6, 0.7, 0.8, 1.0)))


def disk(radius: float, alias_blur: float) -> Matrix:
    """The kernel of a defocused lens: a disk with a softened edge."""
    reach = 8 if radius <= 8 else int(radius)
    soft = 1 if radius <= 8 else 2
    place = np.arange(-reach, reach + 1)
    circle = (place[:, None] ** 2 + place**2 <= radius**2).astype(np.float64)
    rim = np.exp(-(np.arange(-soft, soft + 1) ** 2) / (2 * alias_blur**2))
    kernel = torch.from_numpy(circle / circle.sum())[None, None]
    softened: Matrix = correlate(kernel, np.outer(rim, rim) / rim.sum() ** 2)[0, 0].numpy()
    return softened


def defocus_blur(x: Tensor, severity: int, draws: Draws) -> Tensor:
    """The images convolved with a disk."""
    radius, alias_blur = strength(
        x,
        severity,
        ((3.0, 0.1), (4.0, 0.5), (6.0, 0.5), (8.0, 0.5), (10.0, 0.5)),
        ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1.0, 0.2), (1.5, 0.1)),
    )
    return correlate(x, disk(radius, alias_blur))


def glass_blur(x: Tensor, severity: int, draws: Draws) -> Tensor:
    """The images blurred, with neighbouring pixels shuffled, and blurred again."""
    sigma, reach, rounds = strength(
        x,
        severity,
        ((0.7, 1, 2), (0.9, 2, 1), (1.0, 2, 3), (1.1, 3, 2), (1.5, 4, 2)),
        ((0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2)),
    )
    offsets = draws.integers(2 * reach, (rounds, 2, *x.shape[-2:]), "neighbour") - reach
    return gaussian(disorder(gaussian(x, sigma), reach, offsets), sigma)


def motion_blur(x: Tensor, severity: int, draws: Draws) -> Tensor:
    """The images with motion blur in a random direction within 45 degrees of the horizontal."""
    radius, sigma = strength(
        x,
        severity,
        ((10, 3.0), (15, 5.0), (15, 8.0), (15, 12.0), (20, 15.0)),
        ((6, 1.0), (6, 1.5), (6, 2.0), (8, 2.0), (9, 2.5)),
    )
    return motion(x, radius, sigma, draws.between(-45, 45, (), "angle"))


def zoom_blur(x: Tensor, severity: int, draws: Draws) -> Tensor:
    """The mean of the images at increasing magnifications."""
    most, step = strength(
        x,
        severity,
        ((1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03)),
        ((1.06, 0.01), (1.11, 0.01), (1.16, 0.01), (1.21, 0.01), (1.26, 0.01)),
    )
    factors = np.arange(1, most, step)
    total = x.clone()
    for factor in factors:
        total += zoom(x, float(factor))
    return total / (len(factors) + 1)
