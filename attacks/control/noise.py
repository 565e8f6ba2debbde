"""Random noise within the budget: a control for the effect of a perturbation's size without an adversary."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from robustkit.plugin import AttackInfo, Batch, Classification, IterativeAttack, NormThreat, Response, State

#: A sample is given up if its margins are farther from the boundary than this multiple of their range.
APART = 4


@dataclass(kw_only=True)
class NoiseState(State):
    """The largest and the smallest margin ``(B,)`` of each sample's clean image and draws so far."""

    best: Tensor
    worst: Tensor


@dataclass(frozen=True, kw_only=True)
class Noise(IterativeAttack[NoiseState]):
    """Independent draws, queried one after another until one is misclassified.

    A sample gets one last draw once the margins of its clean image and its draws are all more than four times their range away
    from the decision boundary, because more draws would rarely reach it.

    Parameters
    ----------
    steps
        Number of draws after the first one: ``steps + 1`` in all.
    kind
        ``uniform``: from the ball, clipped to the box; for l0, random elements with random values. ``gaussian``: independent
        for every element, so wide that most draws fill the budget, projected onto it.
    """

    steps: int = 9
    kind: Literal["uniform", "gaussian"] = "uniform"

    needs_gradient: ClassVar[bool] = False
    exact_cost: ClassVar[bool] = False
    info: ClassVar[AttackInfo] = AttackInfo(
        name="noise",
        threats=("linf", "l2", "l1", "l0"),
        knowledge="decision",
        targeted=True,
        cost="steps + 2 forwards",
        paper="Benchmarking Neural Network Robustness to Common Corruptions and Perturbations, arXiv 1903.12261",
        control=True,
        any_criterion=True,
    )

    def start(self, batch: Batch) -> NoiseState:
        none = torch.full(batch.sample_ids.shape, torch.inf, dtype=batch.x.dtype, device=batch.x.device)
        best, worst = -none, none
        if batch.clean_logits is not None and isinstance(batch.criterion, Classification):
            best = worst = batch.criterion.margin(batch.clean_logits, batch.samples).to(none)
        return NoiseState(x_adv=self._draw(batch, torch.zeros_like(batch.sample_ids)), best=best, worst=worst)

    def step(self, batch: Batch, state: NoiseState, response: Response) -> NoiseState:
        return NoiseState(
            x_adv=self._draw(batch, response.step + 1),
            best=torch.maximum(state.best, response.margin),
            worst=torch.minimum(state.worst, response.margin),
        )

    def done(self, batch: Batch, state: NoiseState) -> Tensor:
        apart = state.best - state.worst  # 0, hence uninformative, if the model gives only decisions
        return (apart > 0) & (-state.best > APART * apart)

    def _draw(self, batch: Batch, number: Tensor) -> Tensor:
        threat, x, bounds = batch.threat, batch.x, batch.bounds
        assert isinstance(threat, NormThreat)
        if self.kind == "uniform":
            return threat.random_start(x, batch.sample_ids, number, batch.random, bounds)
        shape = tuple(x.shape[1:])
        n = math.prod(shape)
        width = {
            "linf": threat.eps / 2,
            "l2": threat.eps / math.sqrt(n),
            "l1": threat.eps / n * math.sqrt(math.pi / 2),
            "l0": bounds[1] - bounds[0],
        }[threat.norm]
        noise = batch.random.normal(batch.sample_ids, shape, attempt=number, stream="gaussian", dtype=x.dtype)
        return threat.project(x, x + width * noise, bounds)
