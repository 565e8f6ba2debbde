"""Colour temperature: the light's colour, beside the daylight for which the camera is balanced.

References
----------
Krystek, An algorithm to calculate correlated colour temperature, Color Research & Application 10, 1985: the Planckian locus as
rational functions, from 1000 to 15000 kelvin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from robustkit.corruptions.draws import Draws
from robustkit.crossing import constant
from robustkit.physical.views.base import Parameters, Range, View, check_range, per_image

#: The correlated colour temperature of D65, sRGB's white, which leaves images as they are.
DAYLIGHT_KELVIN = 6504.0

_XYZ_TO_RGB = (
    (3.2404542, -1.5371385, -0.4985314),
    (-0.9692660, 1.8760108, 0.0415560),
    (0.0556434, -0.2040259, 1.0572252),
)
_LUMINANCE = (0.2126729, 0.7151522, 0.0721750)


@dataclass(frozen=True, kw_only=True)
class Temperature(View):
    """Warmer light at fewer kelvin, bluer light at more, at the same luminance of white.

    Parameters
    ----------
    kelvin
        Range, drawn evenly in 1 / kelvin, as differences look; 6504 for no change.
    """

    kelvin: Range = (4500, 9000)

    name: ClassVar[str] = "temperature"
    linear: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_range("kelvin", self.kelvin, 2000, 15000)

    def sample(self, draws: Draws) -> Parameters:
        low, high = self.kelvin
        return {"kelvin": 1 / draws.between(1 / high, 1 / low, (), "kelvin")}

    def act(self, images: Tensor, parameters: Parameters) -> Tensor:
        return images * per_image(gains(parameters["kelvin"]))


def gains(kelvin: Tensor) -> Tensor:
    """Factors of linear red, green and blue ``(B, 3)`` for light of these temperatures ``(B,)``."""
    colours = _planckian(torch.cat([kelvin, torch.full_like(kelvin[:1], DAYLIGHT_KELVIN)]))
    gain = colours[:-1] / colours[-1]
    return gain / (gain * constant(_LUMINANCE, gain)).sum(1, keepdim=True)


def _planckian(kelvin: Tensor) -> Tensor:
    """The linear sRGB colour of a black body, of luminance 1: ``(B, 3)``."""
    t = kelvin / 1000
    u = (0.860117757 + 0.154118254 * t + 0.128641212 * t**2) / (1 + 0.842420235 * t + 0.708145163 * t**2)
    v = (0.317398726 + 0.0422806245 * t + 0.0420481691 * t**2) / (1 - 0.0289741816 * t + 0.161456053 * t**2)
    # CIE 1960 (u, v) to XYZ at Y = 1.
    xyz = torch.stack([3 * u / (2 * v), torch.ones_like(u), (4 - u - 10 * v) / (2 * v)], dim=1)
    return xyz @ constant(_XYZ_TO_RGB, xyz).T
