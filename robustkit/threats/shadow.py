"""The threat of one polygonal shadow that falls on the image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from robustkit.colour import linear_to_srgb, srgb_to_linear
from robustkit.contracts.threat import read_settings, read_size
from robustkit.crossing import constant
from robustkit.errors import UsageError, brief
from robustkit.projections import Bounds, clip
from robustkit.threats.natural import NaturalThreat

#: Width of the soft edge, inside the polygon, as a share of the image's shorter side.
PENUMBRA = 0.05

#: The polygon's corners may lie outside the image by this share of its sides, as in the paper's code.
BEYOND = 0.5


@dataclass(frozen=True, kw_only=True)
class ShadowThreat(NaturalThreat):
    """All images obtained by withholding a share of the light, the same in every channel, inside one polygon.

    Membership needs a witness: the corners' positions ``x, y``, as shares of width and height, and last the share of the light
    that is withheld. Edges join the corners in the order of their angles around their mean, and so do not cross. The shadow
    deepens over a soft edge; outside the polygon pixels stay as they were.

    Parameters
    ----------
    size
        Maximum share of the light that is withheld, at most 1. The values are taken for sRGB, of which linear light is computed.
    sides
        Number of corners, 3 to 12.

    References
    ----------
    Zhong et al., Shadows can be Dangerous, arXiv 2203.03818, which scales L* of CIE Lab by 0.43 instead (for white, as with 0.87
    of the light withheld), and draws inside a given mask only.
    """

    sides: int = 3

    kind: ClassVar[str] = "shadow"
    examples: ClassVar[tuple[str, ...]] = ("shadow:0.9,sides=4",)
    largest: ClassVar[float] = 1.0
    unit: ClassVar[str] = "the share of the light that a shadow withholds"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 3 <= self.sides <= 12:
            raise UsageError(f"sides={self.sides} of a shadow threat must be a number of corners from 3 to 12")

    @classmethod
    def from_text(cls, kind: str, size: str, settings: dict[str, str]) -> ShadowThreat:
        options: dict[str, Any] = read_settings(settings, ("sides",))
        if "sides" in options:
            if not (options["sides"].isdecimal() and len(options["sides"]) < 9):
                raise UsageError(f"sides={brief(options['sides'])} of a shadow threat must be a number of corners from 3 to 12")
            options["sides"] = int(options["sides"])
        return cls(size=read_size(size, f"{kind}:{size}"), size_text=size, **options)

    @property
    def budget(self) -> str:
        return f"shadow:{self.size_text}" + ("" if self.sides == 3 else f",sides={self.sides}")

    @property
    def ranges(self) -> tuple[tuple[float, float], ...]:
        return (*[(-BEYOND, 1 + BEYOND)] * (2 * self.sides), (0.0, self.size))

    def transform(self, x: Tensor, parameters: Tensor, bounds: Bounds) -> Tensor:
        low, span = bounds[0], bounds[1] - bounds[0]
        parameters = parameters.to(x.device, torch.float64)
        height, width = x.shape[-2:]
        corners = parameters[:, :-1].reshape(len(x), self.sides, 2) * constant([width, height], parameters)
        withheld = parameters[:, -1, None, None] * (depth(corners, height, width) / (PENUMBRA * min(height, width))).clamp(0, 1)
        light = srgb_to_linear((x - low) / span)
        # The change is added, because a conversion there and back would round pixels outside the shadow.
        change = linear_to_srgb((1 - withheld[:, None].to(x)) * light) - linear_to_srgb(light)
        return clip(x + span * change, bounds)


def depth(corners: Tensor, height: int, width: int) -> Tensor:
    """The distance of each pixel's centre from the outline of a polygon ``(B, V, 2)`` in pixels, 0 outside it, ``(B, H, W)``."""
    spokes = corners - corners.mean(1, keepdim=True)
    order = torch.atan2(spokes[..., 1], spokes[..., 0]).argsort(1)
    corners = corners.gather(1, order[..., None].expand(-1, -1, 2))
    x = torch.arange(width, dtype=corners.dtype, device=corners.device) + 0.5
    y = (torch.arange(height, dtype=corners.dtype, device=corners.device) + 0.5)[:, None]
    inside = torch.zeros((), dtype=torch.bool, device=corners.device)
    nearest = torch.full((), torch.inf, dtype=corners.dtype, device=corners.device)
    for start, end in zip(corners.unbind(1), corners.roll(-1, 1).unbind(1), strict=True):
        (ax, ay), (bx, by) = (point[:, :, None, None].unbind(1) for point in (start, end))
        dx, dy = bx - ax, by - ay
        along = (((x - ax) * dx + (y - ay) * dy) / (dx**2 + dy**2).clamp_min(1e-12)).clamp(0, 1)
        square = (x - ax - along * dx) ** 2 + (y - ay - along * dy) ** 2
        nearest = torch.minimum(nearest, square)
        # A ray to the left crosses the outline an odd number of times from inside.
        spans = (ay > y) != (by > y)
        inside = inside ^ (spans & ((x - ax) * dy.abs() > (y - ay) * dx * dy.sign()))
    return torch.where(inside, nearest.clamp_min(1e-12).sqrt(), 0)
