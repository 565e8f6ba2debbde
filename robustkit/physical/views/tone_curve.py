"""The tone curve by which a camera turns light into a pleasing picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from robustkit.corruptions.draws import Draws
from robustkit.physical.views.base import Parameters, Range, View, check_range, per_image
from robustkit.projections import clip

#: Keeps a gamma's slope at black finite and above 0.
_TOE = 1 / 64


@dataclass(frozen=True, kw_only=True)
class ToneCurve(View):
    """A gamma and then an S-curve, on sRGB clipped to [0, 1]; both keep black and white.

    Parameters
    ----------
    gamma
        Range of the exponent, drawn evenly in its logarithm; 1 for no change, above 1 darkens.
    contrast
        Range of the slope that the S-curve adds at mid-grey, 0 for no change; twice as much is taken away at black and white.
    """

    gamma: Range = (0.85, 1.2)
    contrast: Range = (-0.15, 0.25)

    name: ClassVar[str] = "tone-curve"
    linear: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_range("gamma", self.gamma, 0.1, 10)
        check_range("contrast", self.contrast, -0.45, 0.45)

    def sample(self, draws: Draws) -> Parameters:
        low, high = self.gamma
        return {
            "gamma": draws.between(math.log(low), math.log(high), (), "gamma").exp(),
            "contrast": draws.between(*self.contrast, (), "contrast"),
        }

    def act(self, images: Tensor, parameters: Parameters) -> Tensor:
        gamma, contrast = per_image(parameters["gamma"]), per_image(parameters["contrast"])
        x = clip(images, (0, 1))
        x = x * ((x + _TOE) / (1 + _TOE)) ** (gamma - 1)
        return x + 2 * contrast * x * (1 - x) * (2 * x - 1)
