"""Weights of distance and misclassification that are played against the image (Matyasko and Chau, arXiv 2106.01538).

The image descends ``(1 - w) * distance + w * softplus(margin)``; the weight w rises while the image is classified correctly and
falls while it is not, so that the queries stay about the boundary.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from robustkit.plugin import Batch, MinimumNormAttack, NormThreat, Response, State, UsageError, per_sample


@dataclass(kw_only=True)
class GameState(State):
    """Both players of the game.

    Parameters
    ----------
    mean, square
        ``(B, C, H, W)``: Adam's running means of gradients and of their squares.
    dual
        ``(B,)``: log-odds of the weight of misclassification.
    weight
        ``(B,)``: the weight itself, averaged over steps.
    """

    mean: Tensor
    square: Tensor
    dual: Tensor
    weight: Tensor


@dataclass(frozen=True, kw_only=True)
class PrimalDual(MinimumNormAttack[GameState]):
    """What the two primal-dual attacks share; they differ in how the image moves.

    The paper's rates are 0.1 for the image and for the dual at 500 steps. The image's is greater here, which found nearer
    images, and for linf and l2 the dual's grows if there are fewer steps: it has as far to go. Sparse perturbations come of
    a long time at the first weights, so for l1 and l0 it does not.

    Parameters
    ----------
    learning_rate
        Adam's rate for the image, in units of the bounds' width; it falls exponentially to a hundredth.
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
        """Adam's rate at a step as a share of the box's width, ``(B,)``."""
        return self.learning_rate * (math.log(0.01) / self.steps * step.to(like.dtype)).exp()

    def climb(self, batch: Batch, response: Response) -> Tensor:
        """The gradient of ``-softplus(-margin)`` where one step is the box's width. ``(B, C, H, W)``."""
        return per_sample((batch.bounds[1] - batch.bounds[0]) * sigmoid(-response.loss), response.grad) * response.grad

    def reweigh(self, batch: Batch, state: GameState, response: Response) -> GameState:
        """The state with its weight moved towards what the answer asks for."""
        assert isinstance(batch.threat, NormThreat)
        side = -response.loss.sign()
        left = 1 - response.step.to(state.dual.dtype) / max(self.steps - 1, 1)
        rate = max(0.1, 50 / self.steps) if batch.threat.norm in ("linf", "l2") else 0.1
        dual = (state.dual + rate * (0.9 * left + 0.1) * side).clamp(math.log(1e-6), -math.log(1e-6))
        return replace(state, dual=dual, weight=0.9 * state.weight + 0.1 * sigmoid(dual))


def sigmoid(value: Tensor) -> Tensor:
    """1 / (1 + exp(-value)), written out: the rounding of torch's own depends on the batch."""
    return 1 / (1 + (-value).exp())
