"""Brightness, contrast and saturation corruptions (Hendrycks and Dietterich, arXiv 1903.12261)."""

from __future__ import annotations

import torch
from torch import Tensor

from robustkit.colour import hsv_to_rgb, rgb_to_hsv
from robustkit.corruptions.draws import Draws
from robustkit.corruptions.severity import strength


def brightness(x: Tensor, severity: int, draws: Draws) -> Tensor:
    """The images with a higher value in HSV."""
    more = strength(x, severity, (0.1, 0.2, 0.3, 0.4, 0.5), (0.05, 0.1, 0.15, 0.2, 0.3))
    if x.shape[1] != 3:
        return x + more
    hue, saturation, value = rgb_to_hsv(x).unbind(1)
    return hsv_to_rgb(torch.stack([hue, saturation, (value + more).clamp(0, 1)], dim=1))


def contrast(x: Tensor, severity: int, draws: Draws) -> Tensor:
    """The images with every channel scaled towards its mean."""
    factor = strength(x, severity, (0.4, 0.3, 0.2, 0.1, 0.05), (0.75, 0.5, 0.4, 0.3, 0.15))
    mean = x.double().flatten(2).mean(2)[..., None, None].to(x.dtype)
    return (x - mean) * factor + mean


def saturate(x: Tensor, severity: int, draws: Draws) -> Tensor:
    """The images with lower (severity 1 and 2) or higher saturation; images other than RGB are unchanged."""
    factor, more = strength(
        x,
        severity,
        ((0.3, 0.0), (0.1, 0.0), (2.0, 0.0), (5.0, 0.1), (20.0, 0.2)),
        ((0.3, 0.0), (0.1, 0.0), (1.5, 0.0), (2.0, 0.1), (2.5, 0.2)),
    )
    if x.shape[1] != 3:
        return x
    hue, saturation, value = rgb_to_hsv(x).unbind(1)
    return hsv_to_rgb(torch.stack([hue, (saturation * factor + more).clamp(0, 1), value], dim=1))
