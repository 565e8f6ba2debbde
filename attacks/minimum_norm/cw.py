"""Carlini and Wagner's l2 attack: Adam on unconstrained variables (arXiv 1608.04644)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from robustkit.attacks.minimum_norm.adam import moments
from robustkit.attacks.minimum_norm.constant_search import ConstantState, next_constant
from robustkit.attacks.minimum_norm.schedule import cosine
from robustkit.plugin import AttackInfo, Batch, MinimumNormAttack, Response, Threat, UsageError, per_sample

#: Minimum distance of a clean pixel from its bound, as a fraction of half the box: closer, the gradient of tanh vanishes.
INSET = 1e-4


@dataclass(kw_only=True)
class TanhState(ConstantState):
    """State of Adam on the inverse hyperbolic tangent of the image.

    Parameters
    ----------
    modifier
        ``(B, C, H, W)``: the perturbation, added to the inverse hyperbolic tangent of the image.
    mean, square
        ``(B, C, H, W)``: Adam's running means of gradients and of their squares.
    """

    modifier: Tensor
    mean: Tensor
    square: Tensor


@dataclass(frozen=True, kw_only=True)
class CW(MinimumNormAttack[TanhState]):
    """Minimises squared distance plus a constant times the margin of the label, over images ``tanh(w)`` without constraints.

    The paper uses 10,000 steps per constant with a learning rate of 0.01, starts with a constant of 0.001, and restarts from
    the clean image for each constant. Here the learning rate starts high and decays along half a cosine, the constant starts
    at 1, and each search continues from the previous one's last image, which finds smaller perturbations in a hundredth of
    the steps. No search is aborted early, so the cost is exact.

    Parameters
    ----------
    steps
        Adam steps per constant.
    searches
        Number of constants: multiplied by ten until a search succeeds, then bisected.
    learning_rate
        Adam's learning rate at the start of each search; it decays to a hundredth of this value.
    initial_const
        Initial constant.
    confidence
        Required margin of the wrong class.
    """

    steps: int = 100
    searches: int = 9
    learning_rate: float = 0.3
    initial_const: float = 1.0
    confidence: float = 0.0

    info: ClassVar[AttackInfo] = AttackInfo(
        name="cw",
        threats=("l2",),
        knowledge="white-box",
        targeted=True,
        cost="searches * steps + 3 forwards, searches * steps backwards",
        paper="Towards Evaluating the Robustness of Neural Networks, arXiv 1608.04644",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.searches < 1:
            raise UsageError(f"searches={self.searches} must be at least 1")
        if not (self.learning_rate > 0 and self.initial_const > 0 and self.confidence >= 0):
            raise UsageError(
                f"learning_rate={self.learning_rate} and initial_const={self.initial_const} must be above 0, "
                f"confidence={self.confidence} at least 0"
            )

    def attempt_steps(self, threat: Threat) -> int:
        return self.searches * self.steps

    def start(self, batch: Batch) -> TanhState:
        zero = torch.zeros_like(batch.x)
        constant = torch.full_like(batch.x[:, 0, 0, 0], self.initial_const)
        return TanhState(
            x_adv=batch.x,
            constant=constant,
            lower=torch.zeros_like(constant),
            upper=torch.full_like(constant, torch.inf),
            found=torch.zeros_like(constant, dtype=torch.bool),
            modifier=zero,
            mean=zero,
            square=zero,
        )

    def loss(self, batch: Batch, state: TanhState, logits: Tensor) -> Tensor:
        return batch.criterion.margin(logits, batch.samples)

    def step(self, batch: Batch, state: TanhState, response: Response) -> TanhState:
        x, (low, high) = batch.x, batch.bounds
        half = (high - low) / 2
        inside = ((x - low) / half - 1) * (1 - INSET)
        origin = (inside.log1p() - (-inside).log1p()) / 2  # atanh; the rounding of torch.atanh depends on the batch
        height = (origin + state.modifier).tanh()
        short = response.loss <= self.confidence
        push = per_sample(state.constant * short, x)  # hinge: no gradient once the margin is reached
        # In units of the box's width, so that the constant does not depend on the bounds.
        outer = 2 * (state.x_adv - x) / (2 * half) - push * 2 * half * response.grad
        grad = outer * (1 - height.square()) / 2
        count = response.step % self.steps
        mean, square, numerator, denominator = moments(state.mean, state.square, grad, count)
        rate = cosine(count, self.steps, self.learning_rate, self.learning_rate / 100, x)
        modifier = state.modifier - per_sample(rate, x) * numerator / denominator

        x_adv = (low + half * (1 + (origin + modifier).tanh())).clamp(low, high)
        mean, square = (torch.where(per_sample(count == self.steps - 1, x), 0, tensor) for tensor in (mean, square))
        adversarial = response.success & ~short
        constants = next_constant(state, adversarial, count, self.steps)
        return replace(state, x_adv=x_adv, modifier=modifier, mean=mean, square=square, **constants)
