"""The threat of a camera that is out of focus, moved, noisy and wrongly exposed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from robustkit.colour import linear_to_srgb, srgb_to_linear
from robustkit.physical.views.defocus import Defocus
from robustkit.physical.views.exposure import Exposure
from robustkit.physical.views.motion_blur import MotionBlur
from robustkit.physical.views.sensor_noise import SensorNoise
from robustkit.projections import Bounds
from robustkit.threats.natural import NaturalThreat

#: At strength 1: the exposure's error in stops, radius and length of the blurs as shares of the image's shorter side, and the
#: noise's standard deviation at white (shot) and at black (read) in linear light.
STOPS, RADIUS, LENGTH, SHOT, READ = 2.0, 0.05, 0.1, 0.15, 0.02


@dataclass(frozen=True, kw_only=True)
class SensorThreat(NaturalThreat):
    """All images that a camera takes of the clean one, with errors of its exposure, focus, steadiness and sensor up to a strength.

    In this order, in linear light: exposure, defocus (a disc), motion (a line), shot and read noise, saturation. The noise field
    is a function of the clean image: an attacker chooses how strong the noise is, but not which. Membership needs a witness:
    stops, radius and length as shares of the shorter side, the motion's angle in degrees, and the noise's standard deviation
    at white and at black.

    Parameters
    ----------
    size
        Strength in (0, 1]. At 1, exposure is wrong by up to 2 stops, a point becomes a disc with a radius of up to 5 % of the
        shorter side and a line of up to 10 % of it, and noise has standard deviations up to 0.15 at white and 0.02 at black;
        all are proportional to the strength.
    """

    kind: ClassVar[str] = "sensor"
    examples: ClassVar[tuple[str, ...]] = ("sensor:0.8",)
    largest: ClassVar[float] = 1.0
    unit: ClassVar[str] = "the strength of the camera's errors"

    @property
    def ranges(self) -> tuple[tuple[float, float], ...]:
        most = self.size
        return (
            (-most * STOPS, most * STOPS),
            (0.0, most * RADIUS),
            (0.0, most * LENGTH),
            (0.0, 180.0),
            (0.0, most * SHOT),
            (0.0, most * READ),
        )

    def transform(self, x: Tensor, parameters: Tensor, bounds: Bounds) -> Tensor:
        low, span = bounds[0], bounds[1] - bounds[0]
        side = min(x.shape[-2:])
        stops, radius, length, angle, shot, read = parameters.to(x).unbind(1)
        unit = ((x - low) / span).clamp(0, 1)
        reach_px, path_px = self.size * RADIUS * side, self.size * LENGTH * side
        light = Exposure().act(srgb_to_linear(unit), {"stops": stops})
        light = Defocus(radius_px=(0.0, reach_px)).act(light, {"radius_px": radius * side})
        light = MotionBlur(length_px=(0.0, path_px)).act(light, {"length_px": length * side, "angle_deg": angle})
        light = SensorNoise().act(light, {"shot": shot**2, "read": read, "key": content_key(unit)})
        return (low + span * linear_to_srgb(light)).clamp(*bounds)


def content_key(unit: Tensor) -> Tensor:
    """An integer below 2**31 that depends on all pixels of an image in [0, 1], the same in any batch and on any device, ``(B,)``."""
    levels = (255 * unit).round().long().flatten(1)
    place = torch.arange(levels.shape[1], device=levels.device)
    return (levels * ((place * 0x9E3779B1 + 1) & 0x7FFFFFFF)).sum(1) & 0x7FFFFFFF
