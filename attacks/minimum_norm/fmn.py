"""Fast minimum-norm: gradient steps inside a ball whose radius follows the boundary (Pintor et al., arXiv 2102.12827)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from robustkit.attacks.minimum_norm.schedule import cosine, radius_change
from robustkit.attacks.minimum_norm.unit import unit
from robustkit.plugin import AttackInfo, Batch, MinimumNormAttack, NormThreat, Response, State, UsageError, per_sample
from robustkit.threats import norm_of


@dataclass(kw_only=True)
class BallState(State):
    """The ball that contains each sample's next query.

    Parameters
    ----------
    radius
        ``(B,)``, in the threat's unit.
    nearest
        ``(B,)``: distance of the nearest adversarial query so far; initially infinite.
    """

    radius: Tensor
    nearest: Tensor


@dataclass(frozen=True, kw_only=True)
class FMN(MinimumNormAttack[BallState]):
    """Gradient steps of decreasing length, each projected onto a ball around the clean image.

    The radius is multiplied by ``1 - gamma`` after an adversarial query and by ``1 + gamma`` otherwise, with gamma decaying to
    0.001; for l0 it changes by at least one element.

    It differs from the paper in four points, each of which gave smaller perturbations for the same number of passes. The first
    ball is large (0.3 in every pixel; for l0, three pixels in ten) instead of reaching the linearised boundary, which avoids
    poor local optima near the image. Steps are longer. Projections are onto the intersection of ball and box instead of one
    after the other. For l2, queries lie on the sphere, because with long steps the nearest images are found there.

    Parameters
    ----------
    step_size
        l2 length of the first step, in units of the bounds' width; it decays to a hundredth of this value. None means 30 for
        linf and l0, 10 for l2 and l1.
    gamma
        Initial relative change of the radius per step; None means ``20 / steps``, at least 0.3 and at most 0.5, which allows
        the ball to become small enough.
    """

    steps: int = 100
    step_size: float | None = None
    gamma: float | None = None

    info: ClassVar[AttackInfo] = AttackInfo(
        name="fmn",
        threats=("linf", "l2", "l1", "l0"),
        knowledge="white-box",
        targeted=True,
        cost="steps + 3 forwards, steps backwards",
        paper="Fast Minimum-norm Adversarial Attacks through Adaptive Norm Constraints, arXiv 2102.12827",
        any_criterion=True,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.step_size is not None and not self.step_size > 0:
            raise UsageError(f"step_size={self.step_size} must be above 0")
        if self.gamma is not None and not 0 < self.gamma < 1:
            raise UsageError(f"gamma={self.gamma} must be above 0 and below 1")

    def start(self, batch: Batch) -> BallState:
        x, (low, high), threat = batch.x, batch.bounds, batch.threat
        assert isinstance(threat, NormThreat)
        wide = norm_of(torch.full_like(x, 0.3 * (high - low)), threat.norm)
        radius = (0.3 * wide).floor().clamp_min(1) if threat.norm == "l0" else wide
        return BallState(x_adv=x, radius=radius, nearest=torch.full_like(radius, torch.inf))

    def loss(self, batch: Batch, state: BallState, logits: Tensor) -> Tensor:
        return batch.criterion.margin(logits, batch.samples)

    def step(self, batch: Batch, state: BallState, response: Response) -> BallState:
        x, (low, high), threat = batch.x, batch.bounds, batch.threat
        assert isinstance(threat, NormThreat)
        adversarial = response.success
        distance = norm_of(state.x_adv - x, threat.norm)
        nearest = torch.where(adversarial, state.nearest.minimum(distance), state.nearest)
        gamma = radius_change(response.step, self.steps, self.gamma, x)
        smaller, greater = state.radius * (1 - gamma), state.radius * (1 + gamma)
        if threat.norm == "l0":
            smaller, greater = smaller.minimum(state.radius - 1).floor(), greater.maximum(state.radius + 1).floor()
        radius = torch.where(adversarial, smaller.minimum(nearest), greater)
        radius = radius.minimum(norm_of(torch.maximum(x - low, high - x), threat.norm)).clamp_min(
            1.0 if threat.norm == "l0" else 0.0
        )

        first = (30.0 if threat.norm in ("linf", "l0") else 10.0) if self.step_size is None else self.step_size
        step_size = (high - low) * cosine(response.step, self.steps, first, first / 100, x)
        moved = state.x_adv + per_sample(step_size, x) * unit(response.grad)
        if threat.norm == "l2":
            x_adv = (x + per_sample(radius, x) * unit(moved.clamp(low, high) - x)).clamp(low, high)
        else:
            x_adv = threat.project(x, moved, batch.bounds, radius)
        return BallState(x_adv=x_adv, radius=radius, nearest=nearest)
