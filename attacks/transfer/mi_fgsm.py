"""Momentum iterative fast gradient sign method: steps along accumulated gradients (Dong et al., arXiv 1710.06081)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from robustkit.attacks.gradient.steepest import ascend
from robustkit.plugin import AttackInfo, Batch, NormThreat, Response, State, Threat, UsageError, per_sample
from robustkit.threats import norm_of
from robustkit.transfer import TransferAttack

COST = "steps + 2 forwards, steps backwards; with surrogates 2 forwards"


@dataclass(kw_only=True)
class MomentumState(State):
    """`velocity`, ``(B, C, H, W)``: the decayed sum of gradients, each scaled to l1 norm 1."""

    velocity: Tensor


@dataclass(frozen=True, kw_only=True)
class MIFGSM(TransferAttack[MomentumState]):
    """Fixed-size steps along the momentum of normalised gradients, without a random start.

    Parameters
    ----------
    steps
        Number of steps.
    step_size
        Length of a step in the threat's norm, in the unit of the bounds; None means ``eps / steps``.
    decay
        Decay factor of the momentum.
    surrogate
        Models for crafting the images, see `TransferAttack`.
    """

    steps: int = 10
    step_size: float | None = None
    decay: float = 1.0

    info: ClassVar[AttackInfo] = AttackInfo(
        name="mi-fgsm",
        threats=("linf", "l2"),
        knowledge="white-box",
        targeted=True,
        cost=COST,
        paper="Boosting Adversarial Attacks with Momentum, arXiv 1710.06081",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.step_size is not None and not self.step_size > 0:
            raise UsageError(f"step_size={self.step_size} must be above 0")
        if not self.decay >= 0:
            raise UsageError(f"decay={self.decay} must be at least 0")

    def start(self, batch: Batch) -> MomentumState:
        return MomentumState(x_adv=batch.x, velocity=torch.zeros_like(batch.x))

    def step(self, batch: Batch, state: MomentumState, response: Response) -> MomentumState:
        # The smallest normal number, not a tolerance: gradients of any size get the same weight.
        length = norm_of(response.grad, "l1").clamp_min(torch.finfo(response.grad.dtype).tiny)
        velocity = self.decay * state.velocity + response.grad / per_sample(length, response.grad)
        return replace(state, x_adv=ascend(batch, state.x_adv, velocity, self.length(batch.threat)), velocity=velocity)

    def length(self, threat: Threat) -> float:
        """The length of a step, in the threat's unit."""
        assert isinstance(threat, NormThreat)
        return threat.eps / self.steps if self.step_size is None else self.step_size
