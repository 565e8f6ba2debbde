"""Elastic-net attack for l1: Carlini and Wagner's attack with soft thresholding (Chen et al., arXiv 1709.04114)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from robustkit.attacks.minimum_norm.constant_search import ConstantState, next_constant
from robustkit.plugin import AttackInfo, Batch, MinimumNormAttack, Response, Threat, UsageError, per_sample


@dataclass(kw_only=True)
class FistaState(ConstantState):
    """State of accelerated proximal gradient descent.

    Parameters
    ----------
    x_before
        ``(B, C, H, W)``: the last image after thresholding; `x_adv` is this image plus momentum.
    """

    x_before: Tensor


@dataclass(frozen=True, kw_only=True)
class EAD(MinimumNormAttack[FistaState]):
    """Minimises ``beta * l1 + l2^2`` plus a constant times the margin of the label, by accelerated iterative soft thresholding.

    The paper queries the model twice per step: for the gradient at the momentum point, and for the success of the thresholded
    image. Here one query at the momentum point, clipped to the box, gives both. The paper uses 1,000 steps per constant, starts
    with a constant of 0.001, and restarts from the clean image for each constant; here each search continues from the previous
    one's last image, which finds smaller perturbations.

    Parameters
    ----------
    steps
        Steps per constant.
    searches
        Number of constants: multiplied by ten until a search succeeds, then bisected.
    learning_rate
        Initial step size; it decays with the square root of the remaining steps.
    initial_const
        Initial constant.
    beta
        The threshold, in units of the width of the bounds: the weight of the l1 distance.
    confidence
        Required margin of the wrong class.
    """

    steps: int = 100
    searches: int = 9
    learning_rate: float = 0.01
    initial_const: float = 1.0
    beta: float = 0.01
    confidence: float = 0.0

    info: ClassVar[AttackInfo] = AttackInfo(
        name="ead",
        threats=("l1",),
        knowledge="white-box",
        targeted=True,
        cost="searches * steps + 3 forwards, searches * steps backwards",
        paper="EAD: Elastic-Net Attacks to Deep Neural Networks via Adversarial Examples, arXiv 1709.04114",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.searches < 1:
            raise UsageError(f"searches={self.searches} must be at least 1")
        if not (self.learning_rate > 0 and self.initial_const > 0 and self.beta >= 0 and self.confidence >= 0):
            raise UsageError(
                f"learning_rate={self.learning_rate} and initial_const={self.initial_const} must be above 0, "
                f"beta={self.beta} and confidence={self.confidence} at least 0"
            )

    def attempt_steps(self, threat: Threat) -> int:
        return self.searches * self.steps

    def start(self, batch: Batch) -> FistaState:
        constant = torch.full_like(batch.x[:, 0, 0, 0], self.initial_const)
        return FistaState(
            x_adv=batch.x,
            constant=constant,
            lower=torch.zeros_like(constant),
            upper=torch.full_like(constant, torch.inf),
            found=torch.zeros_like(constant, dtype=torch.bool),
            x_before=batch.x,
        )

    def loss(self, batch: Batch, state: FistaState, logits: Tensor) -> Tensor:
        return batch.criterion.margin(logits, batch.samples)

    def step(self, batch: Batch, state: FistaState, response: Response) -> FistaState:
        x, (low, high) = batch.x, batch.bounds
        span = high - low
        step = response.step % self.steps
        count = step.to(x.dtype)
        rate = self.learning_rate * (1 - count / self.steps).sqrt()
        short = response.loss <= self.confidence
        push = per_sample(state.constant * short, x)  # hinge: no gradient once the margin is reached
        # In units of the box's width, so that the constant does not depend on the bounds.
        grad = 2 * (state.x_adv - x) - push * span**2 * response.grad
        delta = state.x_adv - per_sample(rate, x) * grad - x
        shrunk = (delta.abs() - self.beta * span).clamp_min(0).copysign(delta)
        x_before = torch.where(shrunk == 0, x, (x + shrunk).clamp(low, high))
        x_adv = (x_before + per_sample(count / (count + 3), x) * (x_before - state.x_before)).clamp(low, high)

        adversarial = response.success & ~short
        return replace(state, x_adv=x_adv, x_before=x_before, **next_constant(state, adversarial, step, self.steps))
