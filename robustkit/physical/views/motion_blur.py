"""Motion blur: the camera moved along a line while the shutter was open."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from robustkit.corruptions.draws import Draws
from robustkit.physical.views.base import Parameters, Range, View, check_range
from robustkit.physical.views.kernels import blurred, offsets


@dataclass(frozen=True, kw_only=True)
class MotionBlur(View):
    """Blur along a line.

    Parameters
    ----------
    length_px
        Range of the line's length; 0 for none.
    angle_deg
        Range of its direction, clockwise from the horizontal.
    """

    length_px: Range = (0.0, 1.5)
    angle_deg: Range = (0.0, 180.0)

    name: ClassVar[str] = "motion-blur"
    linear: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_range("length_px", self.length_px, 0, 100)
        check_range("angle_deg", self.angle_deg, -180, 180)

    def sample(self, draws: Draws) -> Parameters:
        return {
            "length_px": draws.between(*self.length_px, (), "length"),
            "angle_deg": draws.between(*self.angle_deg, (), "angle"),
        }

    def act(self, images: Tensor, parameters: Parameters) -> Tensor:
        length, angle = parameters["length_px"][:, None, None], parameters["angle_deg"].deg2rad()[:, None, None]
        x, y = offsets(math.ceil(self.length_px[1] / 2), images)
        along = (x * angle.cos() + y * angle.sin()).abs()
        across = (y * angle.cos() - x * angle.sin()).abs()
        return blurred(images, (length / 2 + 0.5 - along).clamp(0, 1) * (1 - across).clamp_min(0))
