"""CGBA: curvature-aware geometric boundary attack (Reza et al., arXiv 2308.03163)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from robustkit.attacks.decision.noise import along
from robustkit.attacks.decision.walk import BoundaryWalk, Walk, choose, unit
from robustkit.plugin import AttackInfo, Batch, UsageError, per_sample
from robustkit.threats import norm_of

#: Bracket at which a bisection ends, as a fraction of the path or an angle in radians.
TOLERANCE = 1e-3
#: Distance of the probes, as a fraction of the perturbation's norm.
RADIUS = 1e-2


@dataclass(frozen=True, kw_only=True)
class CGBA(BoundaryWalk):
    """Finds by bisection where a semicircle through the clean image and the boundary point crosses the boundary again.

    The semicircle bends from the boundary point towards the estimated normal. All its points are nearer than the boundary
    point, and it crosses a flat boundary at that boundary's nearest point. Probes are low-frequency (discrete cosine transform),
    because networks react little to fine noise.

    It starts from the first adversarial image among random ones. Under a targeted threat, that image must be classified as the
    target; if no draw within the budget is, the attack fails, because it has no other starting point.

    Parameters
    ----------
    steps
        Query budget per sample.
    initial_queries
        Number of probes in the first round; round t uses ``sqrt(t)`` times as many.
    reduction
        Probes use the lowest ``1 / reduction`` of the frequencies in height and width; 1 means noise in all pixels. The
        authors use 4 for images of 224 x 224.
    """

    reduction: int = 2

    info: ClassVar[AttackInfo] = AttackInfo(
        name="cgba",
        threats=("l2",),
        knowledge="decision",
        targeted=True,
        cost="steps + 3 forwards",
        paper="CGBA: Curvature-aware Geometric Black-box Attack, arXiv 2308.03163",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.reduction < 1:
            raise UsageError(f"reduction={self.reduction} must be at least 1: 1 uses all frequencies, 2 half of them")

    def tolerance(self, batch: Batch) -> float:
        return TOLERANCE

    def radius(self, batch: Batch, state: Walk) -> Tensor:
        return RADIUS * batch.threat.distance(batch.x, state.anchor)

    def offsets(self, state: Walk, noise: Tensor) -> Tensor:
        if self.reduction == 1:
            return noise
        height, width = noise.shape[2:]
        rows, columns = waves(height, self.reduction, noise.device), waves(width, self.reduction, noise.device)
        smooth = rows.T @ noise[:, :, : len(rows), : len(columns)].double() @ columns
        # The last bits of a matrix product depend on the batch; rounding to float32 removes them.
        return smooth.float().to(noise.dtype)

    def depart(self, batch: Batch, state: Walk) -> Walk:
        radial = unit(state.anchor - batch.x)
        tangent = unit(along(state.estimate, -(state.estimate * radial).flatten(1).sum(1), radial))
        right = torch.full_like(state.at, math.pi / 2)
        return replace(state, pull=tangent, at=right / 2, low=right * 0, high=right)

    def image_at(self, batch: Batch, state: Walk) -> Tensor:
        offset = state.anchor - batch.x
        distance = norm_of(offset, "l2")
        cos, sin = state.at.cos(), state.at.sin()
        return batch.x + per_sample(cos.square(), offset) * offset + per_sample(distance * cos * sin, offset) * state.pull

    def moved(self, batch: Batch, state: Walk, won: Tensor) -> Walk:
        low, high = torch.where(won, state.at, state.low), torch.where(won, state.high, state.at)
        narrowed = replace(state, low=low, high=high, at=(low + high) / 2)
        arrived = self.probe(state, self.image_at(batch, replace(state, at=low)).clamp(*batch.bounds))
        return choose(high - low <= TOLERANCE, arrived, narrowed)


def waves(size: int, reduction: int, device: torch.device) -> Tensor:
    """The lowest ``1 / reduction`` of the cosine basis of signals of `size` pixels, float64, one per row."""
    frequency = torch.arange(math.ceil(size / reduction), device=device, dtype=torch.float64)[:, None]
    pixel = torch.arange(size, device=device, dtype=torch.float64)
    return torch.where(frequency > 0, 1.0, 0.5**0.5) * (math.pi * frequency * (pixel + 0.5) / size).cos()
