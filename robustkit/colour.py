"""Colour conversions between sRGB, HSV, luminance, linear light and CIE L*a*b*, differentiable almost everywhere."""

from __future__ import annotations

import torch
from torch import Tensor

from robustkit.crossing import constant


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


def raised(x: Tensor, exponent: float) -> Tensor:
    """Positive numbers raised to a power; unlike `torch.pow`, it rounds a number alike wherever in a batch it stands."""
    return (exponent * x.log()).exp()


def srgb_to_linear(x: Tensor) -> Tensor:
    """Linear light of sRGB values in [0, 1] (IEC 61966-2-1), element by element; the slope is finite everywhere."""
    return torch.where(x > 0.04045, raised((x.clamp_min(0.04045) + 0.055) / 1.055, 2.4), x / 12.92)


def linear_to_srgb(x: Tensor) -> Tensor:
    """The inverse of `srgb_to_linear`."""
    power = raised(x.clamp_min(0.0031308), 1 / 2.4)
    return torch.where(x > 0.0031308, power + 0.055 * (power - 1), 12.92 * x)  # in this form 1 stays 1


def srgb_to_lab(x: Tensor, dim: int = -3) -> Tensor:
    """CIE L*a*b* (D65, 2 degrees) of sRGB colours in [0, 1] whose channels lie along `dim`; the slope is finite everywhere."""
    matrix = constant([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]], x)
    white = constant([0.95047, 1.0, 1.08883], x)
    xyz = srgb_to_linear(x).movedim(dim, -1) @ (matrix / white[:, None]).T
    fx, fy, fz = torch.where(xyz > 0.008856, raised(xyz.clamp_min(0.008856), 1 / 3), 7.787 * xyz + 16 / 116).unbind(-1)
    return torch.stack([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)], dim=dim)
