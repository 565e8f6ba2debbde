"""The threat of colours changed by one smooth function of the colour (functional adversarial attacks)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import ClassVar

import torch
from torch import Tensor

from robustkit.projections import Bounds, clip
from robustkit.threats.rendered import RenderedThreat

#: Number of knots along each channel; the function is multilinear between them.
KNOTS = 6


@dataclass(frozen=True, kw_only=True)
class RecolorThreat(RenderedThreat):
    """All images obtained by applying one function of the colour to every pixel of the clean image.

    Membership needs a witness, the function: an offset for each channel at each knot of a regular grid over the colour
    space, ``C * 6**C`` numbers, with knots ordered by the first channel first.

    Parameters
    ----------
    size
        Maximum offset of a channel, as a share of the bounds' span.

    References
    ----------
    Laidlaw and Feizi, Functional Adversarial Attacks, arXiv 1906.00001, with a finer grid and a smoothness penalty.
    """

    kind: ClassVar[str] = "recolor"
    examples: ClassVar[tuple[str, ...]] = ("recolor:0.06",)
    largest: ClassVar[float] = 1.0
    unit: ClassVar[str] = "an offset as a share of the bounds' span"

    def limits(self, x: Tensor) -> tuple[Tensor, Tensor]:
        channels = x.shape[1]
        high = torch.full((channels * KNOTS**channels,), self.size, dtype=torch.float64, device=x.device)
        return -high, high

    def transform(self, x: Tensor, parameters: Tensor, bounds: Bounds) -> Tensor:
        low, high = bounds
        count, channels = x.shape[:2]
        table = parameters.to(x.device, torch.float64).reshape(count, KNOTS**channels, channels).to(x.dtype)
        place = (x.flatten(2) - low) / (high - low) * (KNOTS - 1)
        knot = place.floor().clamp(0, KNOTS - 2)
        beyond = place - knot
        offset = torch.zeros_like(place)
        for corner in product((0, 1), repeat=channels):
            index = torch.zeros_like(knot[:, 0], dtype=torch.int64)
            weight = torch.ones_like(place[:, 0])
            for channel, step in enumerate(corner):
                index = index * KNOTS + knot[:, channel].long() + step
                weight = weight * (beyond[:, channel] if step else 1 - beyond[:, channel])
            picked = table.gather(1, index[..., None].expand(-1, -1, channels))
            offset = offset + weight[:, None] * picked.transpose(1, 2)
        return clip(x + (high - low) * offset.reshape(x.shape), bounds)
