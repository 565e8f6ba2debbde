"""Motion blur as in ImageMagick: half a Gaussian along a line, without interpolation."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from robustkit.corruptions.resampling import inside, pick


def motion(x: Tensor, radius: int, sigma: float, angle: Tensor) -> Tensor:
    """The images, each blurred along its own direction.

    Parameters
    ----------
    x
        ``(B, C, H, W)``.
    radius, sigma
        The line is ``2 * radius + 1`` pixels long, with weights of half a Gaussian of this width from one end.
    angle
        ``(B,)``, degrees, clockwise from the right, float64.
    """
    height, width = x.shape[-2:]
    length = 2 * radius + 1
    weights = np.exp(-(np.arange(length) ** 2) / (2 * sigma**2))
    weights /= weights.sum()
    radians = angle * (math.pi / 180)
    rows = torch.arange(height, device=x.device)[None, :, None]
    columns = torch.arange(width, device=x.device)[None, None, :]
    total = torch.zeros_like(x)
    for i, weight in enumerate(weights):
        down, right = ((i * part - 0.5).ceil().long()[:, None, None] for part in (radians.sin(), radians.cos()))
        place = inside(rows + down, height, "edge"), inside(columns + right, width, "edge")
        total = total.add_(pick(x, *place), alpha=float(weight))
    return total
