"""The threat of pixels displaced by a flow field (spatially transformed adversarial examples)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from robustkit.corruptions.resampling import bilinear
from robustkit.projections import Bounds, clip
from robustkit.threats.rendered import RenderedThreat


@dataclass(frozen=True, kw_only=True)
class FlowThreat(RenderedThreat):
    """All images whose pixels are bilinear samples of the clean image at displaced positions.

    Membership needs a witness, the flow: ``2 * H * W`` displacements in pixels, first all downwards, then all to the right.

    Parameters
    ----------
    size
        Maximum displacement along each axis, in pixels. Positions outside the image take the value at its edge.

    References
    ----------
    Xiao et al., Spatially Transformed Adversarial Examples, arXiv 1801.02612, with a penalty instead of a limit on the flow.
    """

    kind: ClassVar[str] = "flow"
    examples: ClassVar[tuple[str, ...]] = ("flow:1",)
    largest: ClassVar[float] = 16.0
    unit: ClassVar[str] = "a displacement in pixels"

    def limits(self, x: Tensor) -> tuple[Tensor, Tensor]:
        high = torch.full((2 * x[0, 0].numel(),), self.size, dtype=torch.float64, device=x.device)
        return -high, high

    def transform(self, x: Tensor, parameters: Tensor, bounds: Bounds) -> Tensor:
        height, width = x.shape[-2:]
        down, right = parameters.to(x.device, torch.float64).reshape(len(x), 2, height, width).unbind(1)
        rows = torch.arange(height, device=x.device, dtype=torch.float64)[:, None] + down
        columns = torch.arange(width, device=x.device, dtype=torch.float64) + right
        return clip(bilinear(x, clip(rows, (0, height - 1)), clip(columns, (0, width - 1)), "edge"), bounds)
