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

#: The least share of a way, or angle in radians, that a bisection tells apart.
TOLERANCE = 1e-3
#: How far to probe, as a share of the distance.
RADIUS = 1e-2


@dataclass(frozen=True, kw_only=True)
class CGBA(BoundaryWalk):
    """Bisects a semicircle through the clean image and the boundary point for where it crosses the boundary again.

    The semicircle turns from the boundary point towards the estimated normal. All its points are nearer than the boundary
    point, and where it crosses a flat boundary is that boundary's nearest point. Probes are sums of the image's slowest cosines
    (its discrete cosine transform), for fine noise tells little of how a network decides.

    It starts from the first adversarial image among random ones. Under a targeted threat that image must be of the target
    class; where none of the budget's draws is, the attack honestly fails, for it is given no image of the target to start from.

    Parameters
    ----------
    steps
        The query budget of a sample.
    initial_queries
        Probes of the first round; round t takes ``sqrt(t)`` times as many.
    reduction
        Probes take the slowest ``1 / reduction`` of the frequencies, in height and in width; 1 takes noise in all pixels.
        The authors take 4 for images of 224 x 224.
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
            raise UsageError(f"reduction={self.reduction} must be at least 1: 1 takes all frequencies, 2 half of them")

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
        # A product's last bits depend on the batch; rounding off more than those keeps samples independent.
        return smooth.float().to(noise.dtype)

    def depart(self, batch: Batch, state: Walk) -> Walk:
        radial = unit(state.anchor - batch.x)
        tangent = unit(along(state.estimate, -(state.estimate * radial).flatten(1).sum(1), radial))
        right = torch.full_like(state.at, math.pi / 2)
        return replace(state, pull=tangent, at=right / 2, low=right * 0, high=right)

    def way(self, batch: Batch, state: Walk) -> Tensor:
        offset = state.anchor - batch.x
        distance = norm_of(offset, "l2")
        cos, sin = state.at.cos(), state.at.sin()
        return batch.x + per_sample(cos.square(), offset) * offset + per_sample(distance * cos * sin, offset) * state.pull

    def moved(self, batch: Batch, state: Walk, won: Tensor) -> Walk:
        low, high = torch.where(won, state.at, state.low), torch.where(won, state.high, state.at)
        narrowed = replace(state, low=low, high=high, at=(low + high) / 2)
        arrived = self.probe(state, self.way(batch, replace(state, at=low)).clamp(*batch.bounds))
        return choose(high - low <= TOLERANCE, arrived, narrowed)


def waves(size: int, reduction: int, device: torch.device) -> Tensor:
    """The slowest ``1 / reduction`` of the cosines that make up a signal of so many pixels, float64, one a row."""
    frequency = torch.arange(math.ceil(size / reduction), device=device, dtype=torch.float64)[:, None]
    pixel = torch.arange(size, device=device, dtype=torch.float64)
    return torch.where(frequency > 0, 1.0, 0.5**0.5) * (math.pi * frequency * (pixel + 0.5) / size).cos()
