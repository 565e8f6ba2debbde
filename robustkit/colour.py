"""Colour conversions between RGB, HSV and luminance, differentiable almost everywhere."""

from __future__ import annotations

import torch
from torch import Tensor


def rgb_to_hsv(x: Tensor) -> Tensor:
    """Hue, saturation and value in [0, 1] of RGB colours in [0, 1], ``(B, 3, H, W)``.

    The hue of a grey is 0; red is 0, green 1/3, blue 2/3 (Smith, Color gamut transform pairs, SIGGRAPH 1978).
    """
    red, green, blue = x.unbind(1)
    value, low = x.amax(1), x.amin(1)
    chroma = value - low
    divisor = torch.where(chroma > 0, chroma, 1)
    sextant = torch.where(
        value == red,
        (green - blue) / divisor,
        torch.where(value == green, 2 + (blue - red) / divisor, 4 + (red - green) / divisor),
    )
    hue = torch.where(chroma > 0, (sextant / 6) % 1, 0)
    return torch.stack([hue, chroma / torch.where(value > 0, value, 1), value], dim=1)


def hsv_to_rgb(x: Tensor) -> Tensor:
    """The inverse of `rgb_to_hsv`; hues outside [0, 1] wrap around."""
    hue, saturation, value = x.unbind(1)

    def channel(offset: int) -> Tensor:
        place = (offset + 6 * hue) % 6
        return value - value * saturation * torch.minimum(place, 4 - place).clamp(0, 1)

    return torch.stack([channel(5), channel(3), channel(1)], dim=1)


def luminance(x: Tensor) -> Tensor:
    """The luminance of each pixel, ``(B, 1, H, W)``: weights 0.299, 0.587 and 0.114 (ITU-R BT.601), or the mean if not RGB."""
    if x.shape[1] != 3:
        return x.mean(1, keepdim=True)
    return 0.299 * x[:, :1] + 0.587 * x[:, 1:2] + 0.114 * x[:, 2:]
