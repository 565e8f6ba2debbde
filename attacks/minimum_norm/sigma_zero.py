"""Sigma-zero: l0 minimisation by gradient descent on a smooth approximation of l0 (Cinà et al., arXiv 2402.01879)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from robustkit.plugin import AttackInfo, Batch, MinimumNormAttack, Response, State, UsageError, per_sample

#: Adam's decay rates.
BETA_1, BETA_2 = 0.9, 0.999


@dataclass(kw_only=True)
class SparseDescent(State):
    """State of sigma-zero; changes are in widths of the box.

    Parameters
    ----------
    mean, square
        ``(B, C, H, W)``: Adam's running means of gradients and of their squares.
    threshold
        ``(B,)``: changes below it are undone.
    """

    mean: Tensor
    square: Tensor
    threshold: Tensor


@dataclass(frozen=True, kw_only=True)
class SigmaZero(MinimumNormAttack[SparseDescent]):
    """Adam on the margin of the label plus a smooth approximation of l0; changes below a threshold are undone.

    The threshold rises while the image is adversarial and falls while it is not.

    Parameters
    ----------
    steps
        Steps per attempt.
    step_size
        Adam's initial step size, in widths of the box; it decays to a tenth along half a cosine.
    sigma
        Smoothness of the approximation: an element changed by `d` counts as ``d ** 2 / (d ** 2 + sigma)``.
    threshold
        Initial threshold, in widths of the box.
    threshold_rate
        Change of the threshold per step, as a multiple of the step size.
    """

    steps: int = 1000
    step_size: float = 1.0
    sigma: float = 1e-3
    threshold: float = 0.3
    threshold_rate: float = 0.01

    info: ClassVar[AttackInfo] = AttackInfo(
        name="sigma-zero",
        threats=("l0",),
        knowledge="white-box",
        targeted=True,
        cost="steps + 3 forwards, steps backwards",
        paper="Sigma-zero: Gradient-based Optimization of l0-norm Adversarial Examples, arXiv 2402.01879",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("step_size", "sigma", "threshold_rate"):
            if not getattr(self, name) > 0:
                raise UsageError(f"{name}={getattr(self, name)} must be above 0")
        if not 0 <= self.threshold <= 1:
            raise UsageError(f"threshold={self.threshold} must be between 0 and 1")

    def loss(self, batch: Batch, state: State, logits: Tensor) -> Tensor:
        """The margin of the best wrong class or the target; where it is positive, the step minimises only l0."""
        return batch.criterion.margin(logits, batch.samples)

    def start(self, batch: Batch) -> SparseDescent:
        zero = torch.zeros_like(batch.x)
        return SparseDescent(x_adv=batch.x, mean=zero, square=zero, threshold=zero[:, 0, 0, 0] + self.threshold)

    def step(self, batch: Batch, state: SparseDescent, response: Response) -> SparseDescent:
        x, (low, high) = batch.x, batch.bounds
        span = high - low
        delta = (state.x_adv - x) / span
        count = 2 * self.sigma * delta / (delta.square() + self.sigma).square() / x[0].numel()
        behind = per_sample(response.loss < 0, x)
        grad = count - torch.where(behind, span * response.grad, 0)
        grad = grad / per_sample(grad.flatten(1).abs().amax(1).clamp_min(1e-12), x)

        mean = BETA_1 * state.mean + (1 - BETA_1) * grad
        square = BETA_2 * state.square + (1 - BETA_2) * grad.square()
        number = per_sample(response.step + 1, x).to(x.dtype)
        scale = (square / (1 - BETA_2**number)).sqrt() + 1e-8
        before = per_sample(self.step_size_at(response.step - 1), x).to(x.dtype)
        moved = (state.x_adv - span * before * mean / (1 - BETA_1**number) / scale).clamp(low, high)

        won = response.loss > 0
        by = self.threshold_rate * self.step_size_at(response.step).to(x.dtype)
        threshold = (state.threshold + torch.where(won, by, -by)).clamp(0, 1)
        kept = (moved - x).abs() >= span * per_sample(threshold, x)
        return SparseDescent(x_adv=torch.where(kept, moved, x), mean=mean, square=square, threshold=threshold)

    def step_size_at(self, step: Tensor) -> Tensor:
        """The step size after a step, along half a cosine."""
        share = step.clamp_min(0).double() / self.steps
        return self.step_size * (0.1 + 0.9 * (1 + (math.pi * share).cos()) / 2)
