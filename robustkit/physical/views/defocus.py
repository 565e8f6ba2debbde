"""Defocus: a lens out of focus spreads each point over a disc."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from robustkit.corruptions.draws import Draws
from robustkit.physical.views.base import Parameters, Range, View, check_range
from robustkit.physical.views.kernels import blurred, offsets


@dataclass(frozen=True, kw_only=True)
class Defocus(View):
    """Blur with a disc.

    Parameters
    ----------
    radius_px
        Range of the disc's radius; up to 0.5 the picture stays sharp.
    """

    radius_px: Range = (0.0, 1.0)

    name: ClassVar[str] = "defocus"
    linear: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_range("radius_px", self.radius_px, 0, 50)

    def sample(self, draws: Draws) -> Parameters:
        return {"radius_px": draws.between(*self.radius_px, (), "radius")}

    def act(self, images: Tensor, parameters: Parameters) -> Tensor:
        # The kernel's size follows from the range, for the host does not know what was drawn.
        x, y = offsets(math.ceil(self.radius_px[1]), images)
        distance = (x**2 + y**2).sqrt()
        disc = (parameters["radius_px"][:, None, None] + 0.5 - distance).clamp(0, 1)
        return blurred(images, disc)
