"""Decoupled direction and norm: gradient steps on a sphere whose radius follows the boundary (Rony et al., arXiv 1811.09600)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from robustkit.attacks.minimum_norm.schedule import cosine, radius_change
from robustkit.attacks.minimum_norm.unit import unit
from robustkit.plugin import AttackInfo, Batch, MinimumNormAttack, Response, State, UsageError, per_sample
from robustkit.threats import norm_of


@dataclass(kw_only=True)
class SphereState(State):
    """The sphere on which each sample's queries lie.

    Parameters
    ----------
    radius
        ``(B,)``, in the unit of the bounds.
    escape
        ``(B, C, H, W)``: a random unit direction, used if the gradient is zero.
    """

    radius: Tensor
    escape: Tensor


@dataclass(frozen=True, kw_only=True)
class DDN(MinimumNormAttack[SphereState]):
    """Gradient steps, each projected onto a sphere around the clean image.

    The radius is multiplied by ``1 - gamma`` after an adversarial query and by ``1 + gamma`` otherwise, so the queries keep
    crossing the boundary while the direction improves.

    It differs from the paper in three points, each of which gave smaller perturbations for the same number of passes: the
    first sphere is large (0.3 in every pixel), which avoids poor local optima near the image; gamma decays to 0.001 along half
    a cosine, so the radius converges; a step is clipped to the box before the projection, which preserves more of the radius.
    In addition, images are not rounded to 8 bits.

    Parameters
    ----------
    gamma
        Initial relative change of the radius per step; None means ``20 / steps``, at least 0.3 and at most 0.5, which allows
        the sphere to become small enough.
    """

    steps: int = 100
    gamma: float | None = None

    info: ClassVar[AttackInfo] = AttackInfo(
        name="ddn",
        threats=("l2",),
        knowledge="white-box",
        targeted=True,
        cost="steps + 3 forwards, steps backwards",
        paper="Decoupling Direction and Norm for Efficient Gradient-Based L2 Adversarial Attacks and Defenses, arXiv 1811.09600",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.gamma is not None and not 0 < self.gamma < 1:
            raise UsageError(f"gamma={self.gamma} must be above 0 and below 1")

    def start(self, batch: Batch) -> SphereState:
        x, (low, high) = batch.x, batch.bounds
        noise = batch.random.normal(batch.sample_ids, x.shape[1:], stream="escape", dtype=x.dtype)
        radius = torch.full_like(x[:, 0, 0, 0], 0.3 * (high - low) * math.sqrt(x[0].numel()))
        return SphereState(x_adv=x, radius=radius, escape=unit(noise))

    def step(self, batch: Batch, state: SphereState, response: Response) -> SphereState:
        x, (low, high) = batch.x, batch.bounds
        gamma = radius_change(response.step, self.steps, self.gamma, x)
        adversarial = response.success
        radius = state.radius * torch.where(adversarial, 1 - gamma, 1 + gamma)
        radius = radius.minimum(norm_of(torch.maximum(x - low, high - x), "l2"))
        step_size = (high - low) * cosine(response.step, self.steps, 1.0, 0.01, x)
        flat = (response.grad == 0).flatten(1).all(1)
        uphill = torch.where(per_sample(flat, x), state.escape, unit(response.grad))
        moved = (state.x_adv + per_sample(step_size, x) * uphill).clamp(low, high)
        x_adv = (x + per_sample(radius, x) * unit(moved - x)).clamp(low, high)
        return replace(state, x_adv=x_adv, radius=radius)
