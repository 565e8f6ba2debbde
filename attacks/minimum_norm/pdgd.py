"""Primal-dual gradient descent for l2 (Matyasko and Chau, arXiv 2106.01538)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from robustkit.attacks.minimum_norm.adam import moments
from robustkit.attacks.minimum_norm.primal_dual import GameState, PrimalDual
from robustkit.attacks.minimum_norm.unit import unit
from robustkit.plugin import AttackInfo, Batch, Response, per_sample


@dataclass(frozen=True, kw_only=True)
class PDGD(PrimalDual):
    """Adam on a weighted sum of distance and misclassification, with weights that keep it at the boundary. See `PrimalDual`."""

    info: ClassVar[AttackInfo] = AttackInfo(
        name="pdgd",
        threats=("l2",),
        knowledge="white-box",
        targeted=True,
        cost="steps + 3 forwards, steps backwards",
        paper="PDPGD: Primal-Dual Proximal Gradient Descent Adversarial Attack, arXiv 2106.01538",
    )

    def step(self, batch: Batch, state: GameState, response: Response) -> GameState:
        x, (low, high) = batch.x, batch.bounds
        weight, rate = per_sample(state.weight, x), per_sample(self.rate(response.step, x), x)
        grad = (1 - weight) * unit(state.x_adv - x) - weight * self.climb(batch, response)
        mean, square, numerator, denominator = moments(state.mean, state.square, grad, response.step)
        x_adv = (state.x_adv - (high - low) * rate * numerator / denominator).clamp(low, high)
        return self.reweigh(batch, replace(state, x_adv=x_adv, mean=mean, square=square), response)
