"""Primal-dual optimisation of the image and the weight of misclassification (Matyasko and Chau, arXiv 2106.01538).

The image minimises ``(1 - w) * distance + w * softplus(margin)``; the weight w rises while the image is correctly classified
and falls while it is misclassified, so that the queries stay near the decision boundary.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from robustkit.plugin import Batch, MinimumNormAttack, NormThreat, Response, State, UsageError, per_sample


@dataclass(kw_only=True)
class GameState(State):
    """Primal and dual state.

    Parameters
    ----------
    mean, square
        ``(B, C, H, W)``: Adam's running means of gradients and of their squares.
    dual
        ``(B,)``: logit of the weight of misclassification.
    weight
        ``(B,)``: the weight itself, averaged over steps.
    """

    mean: Tensor
    square: Tensor
    dual: Tensor
    weight: Tensor


@dataclass(frozen=True, kw_only=True)
class PrimalDual(MinimumNormAttack[GameState]):
    """Base class of the two primal-dual attacks, which differ in the step of the image.

    The paper uses learning rates of 0.1 for the image and for the dual with 500 steps. Here the image's rate is higher, which
    gave smaller perturbations, and for linf and l2 the dual's rate is higher for fewer steps, so that it covers the same range.
    For l1 and l0 it is not, because sparse perturbations need many steps at the initial weights.

    Parameters
    ----------
    learning_rate
        Adam's learning rate for the image, in units of the bounds' width; it decays exponentially to a hundredth of this value.
    """

    steps: int = 500
    learning_rate: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.learning_rate > 0:
            raise UsageError(f"learning_rate={self.learning_rate} must be above 0")

    def start(self, batch: Batch) -> GameState:
        dual = torch.full_like(batch.x[:, 0, 0, 0], -math.log(0.01))
        zero = torch.zeros_like(batch.x)
        return GameState(x_adv=batch.x, mean=zero, square=zero, dual=dual, weight=sigmoid(dual))

    def loss(self, batch: Batch, state: GameState, logits: Tensor) -> Tensor:
        return batch.criterion.margin(logits, batch.samples)

    def rate(self, step: Tensor, like: Tensor) -> Tensor:
        """Adam's learning rate at a step as a fraction of the box's width, ``(B,)``."""
        return self.learning_rate * (math.log(0.01) / self.steps * step.to(like.dtype)).exp()

    def climb(self, batch: Batch, response: Response) -> Tensor:
        """The gradient of ``-softplus(-margin)`` in units of the box's width. ``(B, C, H, W)``."""
        return per_sample((batch.bounds[1] - batch.bounds[0]) * sigmoid(-response.loss), response.grad) * response.grad

    def reweigh(self, batch: Batch, state: GameState, response: Response) -> GameState:
        """The state with its weight updated by the sign of the margin."""
        assert isinstance(batch.threat, NormThreat)
        side = -response.loss.sign()
        left = 1 - response.step.to(state.dual.dtype) / max(self.steps - 1, 1)
        rate = max(0.1, 50 / self.steps) if batch.threat.norm in ("linf", "l2") else 0.1
        dual = (state.dual + rate * (0.9 * left + 0.1) * side).clamp(math.log(1e-6), -math.log(1e-6))
        return replace(state, dual=dual, weight=0.9 * state.weight + 0.1 * sigmoid(dual))


def sigmoid(value: Tensor) -> Tensor:
    """1 / (1 + exp(-value)), because the rounding of torch.sigmoid depends on the batch."""
    return 1 / (1 + (-value).exp())
