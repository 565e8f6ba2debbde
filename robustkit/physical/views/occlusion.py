"""Occlusion: leaves, branches and posts in front of the scene."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from robustkit.colour import srgb_to_linear
from robustkit.corruptions.draws import Draws
from robustkit.crossing import constant
from robustkit.errors import UsageError, brief
from robustkit.physical.views.base import Parameters, Range, View, check_range, per_image, pixel_centres

#: Colours that stand beside a road, in sRGB: foliage, grass, bark, wood, soil, concrete, steel, shade.
_NATURAL = (
    (0.22, 0.35, 0.14),
    (0.45, 0.52, 0.22),
    (0.29, 0.23, 0.18),
    (0.52, 0.42, 0.30),
    (0.42, 0.34, 0.27),
    (0.62, 0.61, 0.58),
    (0.45, 0.48, 0.51),
    (0.12, 0.12, 0.13),
)
_SIDES = 6


@dataclass(frozen=True, kw_only=True)
class Occlusion(View):
    """Soft ellipses and convex polygons in natural colours, anywhere over the frame.

    Parameters
    ----------
    shapes
        Lowest and highest number of them.
    size
        Range of a shape's radius, as a share of the frame's shorter side.
    slenderness
        Range of its length over its width, drawn evenly in its logarithm.
    softness
        Range of its edge's width, as a share of the frame's shorter side.
    """

    shapes: tuple[int, int] = (0, 2)
    size: Range = (0.03, 0.12)
    slenderness: Range = (1.0, 4.0)
    softness: Range = (0.01, 0.05)

    name: ClassVar[str] = "occlusion"
    linear: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_range("shapes", self.shapes, 0, 20)
        if any(int(number) != number for number in self.shapes):
            raise UsageError(
                f"shapes={brief(self.shapes)} must be two whole numbers, the lowest and the highest number of shapes"
            )
        check_range("size", self.size, 0, 1)
        check_range("slenderness", self.slenderness, 1, 100)
        check_range("softness", self.softness, 0.001, 1)

    def sample(self, draws: Draws) -> Parameters:
        low, high = (int(number) for number in self.shapes)
        number = low + draws.integers(high - low + 1, (), "number")
        which = torch.arange(high, device=number.device)
        kind = draws.integers(len(_NATURAL), (high,), "kind")
        shade = draws.between(0.75, 1.25, (high, 1), "shade")
        tint = draws.between(-0.04, 0.04, (high, 3), "tint")
        colour = (constant(_NATURAL, tint)[kind] * shade + tint).clamp(0, 1)
        lengths = [math.log(limit) for limit in self.slenderness]
        step = 2 * math.pi / _SIDES
        return {
            "present": (which < number[:, None]).double(),
            "round": (draws.uniform((high,), "round") < 0.5).double(),
            "centre": draws.between(-0.5, 0.5, (high, 2), "centre"),
            "size": draws.between(*self.size, (high,), "size"),
            "slenderness": draws.between(lengths[0], lengths[1], (high,), "slenderness").exp(),
            "angle": draws.between(0, math.pi, (high,), "angle"),
            "softness": draws.between(*self.softness, (high,), "softness"),
            "side_angles": step * torch.arange(_SIDES, device=which.device) + draws.between(0, step, (high, _SIDES), "sides"),
            "side_distances": draws.between(0.6, 1, (high, _SIDES), "distances"),
            "colour": srgb_to_linear(colour),
        }

    def act(self, images: Tensor, parameters: Parameters) -> Tensor:
        for k in range(parameters["present"].shape[1]):
            one = {name: values[:, k] for name, values in parameters.items()}
            alpha = per_image(one["present"]) * _cover(images, one)
            images = images + alpha * (per_image(one["colour"]) - images)
        return images


def _cover(images: Tensor, shape: Parameters) -> Tensor:
    """How much of each pixel a shape covers, in [0, 1], ``(B, 1, H, W)``."""
    x, y = pixel_centres(images)
    side = min(images.shape[-2:])
    x = x - per_image(shape["centre"][:, 0]) * (images.shape[-1] / side)
    y = y - per_image(shape["centre"][:, 1]) * (images.shape[-2] / side)
    angle, size, stretch = per_image(shape["angle"]), per_image(shape["size"]), per_image(shape["slenderness"]).sqrt()
    along = (x * angle.cos() + y * angle.sin()) / (size * stretch)
    across = (y * angle.cos() - x * angle.sin()) / (size / stretch)
    directions, distances = per_image(shape["side_angles"]), per_image(shape["side_distances"])
    polygon = (along * directions.cos() + across * directions.sin() - distances).amax(1, keepdim=True)
    ellipse = (along**2 + across**2).sqrt() - 1
    beyond = torch.where(per_image(shape["round"]) > 0, ellipse, polygon) * size
    return (0.5 - beyond / per_image(shape["softness"])).clamp(0, 1)
