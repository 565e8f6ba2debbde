"""The edge of a shadow across the picture, as of a roof or a lamp post's banner."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from robustkit.corruptions.draws import Draws
from robustkit.physical.views.base import Parameters, Range, View, check_range, per_image, pixel_centres


@dataclass(frozen=True, kw_only=True)
class ShadowEdge(View):
    """Darkens the half-plane on one side of a line in any direction.

    Parameters
    ----------
    light
        Range of the share of the light that reaches the shadow; 1 for no shadow.
    reach
        Range of the line's distance from the picture's centre, as a share of the shorter side; at a negative one the centre is
        in the shadow.
    softness
        Range of the penumbra's width, as a share of the shorter side.
    """

    light: Range = (0.35, 1.0)
    reach: Range = (-0.5, 0.5)
    softness: Range = (0.02, 0.3)

    name: ClassVar[str] = "shadow-edge"
    linear: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_range("light", self.light, 0, 1)
        check_range("reach", self.reach, -2, 2)
        check_range("softness", self.softness, 0.001, 2)

    def sample(self, draws: Draws) -> Parameters:
        return {
            "light": draws.between(*self.light, (), "light"),
            "reach": draws.between(*self.reach, (), "reach"),
            "softness": draws.between(*self.softness, (), "softness"),
            "angle": draws.between(0, 2 * math.pi, (), "angle"),
        }

    def act(self, images: Tensor, parameters: Parameters) -> Tensor:
        light, reach, softness, angle = (per_image(parameters[name]) for name in ("light", "reach", "softness", "angle"))
        x, y = pixel_centres(images)
        beyond = (x * angle.cos() + y * angle.sin() - reach) / softness
        part = (beyond + 0.5).clamp(0, 1)
        shadow = part * part * (3 - 2 * part)
        return images * (1 - (1 - light) * shadow)
