"""JPEG compression with gradients: what the codec computes, with roundings that the gradient passes unchanged.

References
----------
Shin and Song, JPEG-resistant adversarial images, NIPS workshop 2017; Reich et al., Differentiable JPEG: the devil is in the
details, arXiv 2309.06978 (straight-through rounding).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from robustkit.corruptions.draws import Draws
from robustkit.crossing import constant
from robustkit.errors import UsageError, brief
from robustkit.physical.views.base import Parameters, View, check_range
from robustkit.projections import clip

#: Luma and chroma quantisation of ITU-T T.81, annex K, at quality 50.
_LUMA = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMA = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8 for _ in range(4)),
)
_RGB_TO_YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
_YCC_TO_RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))
_DCT = [[math.sqrt((2 if k else 1) / 8) * math.cos(math.pi * k * (2 * n + 1) / 16) for n in range(8)] for k in range(8)]


@dataclass(frozen=True, kw_only=True)
class JPEG(View):
    """Compression at half the resolution of colour (4:2:0), as libjpeg's defaults are; clips to [0, 1], in 8 bits.

    Parameters
    ----------
    quality
        Range of the quality, whole numbers from 1 to 100.
    """

    quality: tuple[int, int] = (50, 95)

    name: ClassVar[str] = "jpeg"
    linear: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_quality(self.quality)

    def sample(self, draws: Draws) -> Parameters:
        return {"quality": draw_quality(self.quality, draws)}

    def act(self, images: Tensor, parameters: Parameters) -> Tensor:
        height, width = images.shape[-2:]
        levels = rounded(clip(images, (0, 1)) * 255)
        padded = functional.pad(levels, [0, -width % 16, 0, -height % 16], mode="replicate")
        ycc = rounded(_colours(padded, _RGB_TO_YCC))
        half = rounded(functional.avg_pool2d(ycc[:, 1:], 2))
        luma = _quantised(ycc[:, :1] - 128, quantisation(_LUMA, parameters["quality"])) + 128
        half = _quantised(half, quantisation(_CHROMA, parameters["quality"]))
        chroma = functional.interpolate(half, scale_factor=2, mode="bilinear", align_corners=False)
        decoded = _colours(torch.cat([luma, chroma], dim=1), _YCC_TO_RGB)[..., :height, :width]
        return rounded(clip(decoded, (0, 255))) / 255


def check_quality(quality: tuple[int, int]) -> None:
    """Raise `UsageError` if these are not two whole numbers, ascending, from 1 to 100."""
    check_range("quality", quality, 1, 100)
    if any(int(limit) != limit for limit in quality):
        raise UsageError(f"quality={brief(quality)} must be two whole numbers, the lowest and the highest JPEG quality")


def draw_quality(quality: tuple[int, int], draws: Draws) -> Tensor:
    """Whole qualities, all equally likely."""
    low, high = (int(limit) for limit in quality)
    return low + draws.integers(high - low + 1, (), "quality")


def rounded(x: Tensor) -> Tensor:
    """The nearest whole numbers; gradients pass unchanged."""
    return x + (x.round() - x).detach()


def quantisation(table: tuple[tuple[int, ...], ...], quality: Tensor) -> Tensor:
    """The steps of the coefficients ``(B, 8, 8)`` at qualities ``(B,)``, as libjpeg scales its tables."""
    percent = torch.where(quality < 50, 5000 // quality, 200 - 2 * quality)[:, None, None]
    return ((constant(table, quality) * percent + 50) // 100).clamp(1, 255)


def _colours(images: Tensor, matrix: tuple[tuple[float, ...], ...]) -> Tensor:
    """Each pixel's colour ``(B, 3, H, W)`` multiplied by a matrix."""
    return torch.einsum("oc,bchw->bohw", constant(matrix, images), images)


def _quantised(planes: Tensor, steps: Tensor) -> Tensor:
    """Planes ``(B, C, H, W)`` whose cosine coefficients in blocks of 8 x 8 are whole multiples of steps ``(B, 8, 8)``."""
    count, channels, height, width = planes.shape
    dct = constant(_DCT, planes)
    blocks = planes.reshape(count, channels, height // 8, 8, width // 8, 8).transpose(3, 4)
    steps = steps.to(planes.dtype)[:, None, None, None]
    coefficients = rounded(dct @ blocks @ dct.T / steps) * steps
    return rounded(dct.T @ coefficients @ dct).transpose(3, 4).reshape(planes.shape)
