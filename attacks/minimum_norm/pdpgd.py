"""Primal-dual proximal gradient descent for all four norms (Matyasko and Chau, arXiv 2106.01538)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import torch

from robustkit.attacks.minimum_norm.adam import moments
from robustkit.attacks.minimum_norm.primal_dual import GameState, PrimalDual
from robustkit.attacks.minimum_norm.prox import PROX
from robustkit.plugin import AttackInfo, Batch, NormThreat, Response, per_sample
from robustkit.threats import norm_of

#: Maximum iterations of proximal Adam's inner loop (arXiv 1910.10094), which needs no queries.
INNER = 5


@dataclass(frozen=True, kw_only=True)
class PDPGD(PrimalDual):
    """Adam on misclassification, then a proximal step of the norm, with weights that keep it at the boundary.

    See `PrimalDual`. The proximal step also handles norms with uninformative gradients: it makes l1 and l0 perturbations sparse
    and linf perturbations flat. For l0 it is the proximal step of ``sum |z|^(2/3)``, as the paper recommends.
    """

    info: ClassVar[AttackInfo] = AttackInfo(
        name="pdpgd",
        threats=("linf", "l2", "l1", "l0"),
        knowledge="white-box",
        targeted=True,
        cost="steps + 3 forwards, steps backwards",
        paper="PDPGD: Primal-Dual Proximal Gradient Descent Adversarial Attack, arXiv 2106.01538",
    )

    def step(self, batch: Batch, state: GameState, response: Response) -> GameState:
        x, (low, high), threat = batch.x, batch.bounds, batch.threat
        assert isinstance(threat, NormThreat)
        span, prox = high - low, PROX[threat.norm]
        rate = self.rate(response.step, x)
        # In units of the box's width, so that the weights do not depend on the bounds.
        mean, square, numerator, denominator = moments(state.mean, state.square, -self.climb(batch, response), response.step)
        moved = (state.x_adv - span * per_sample(rate, x) * numerator / denominator).clamp(low, high)
        wanted = (moved - x) / span
        stiffest = denominator.flatten(1).amax(1)
        metric = denominator / per_sample(stiffest, x)
        pull = (1 / state.weight - 1) * rate / stiffest
        delta, moving = wanted, torch.ones_like(rate, dtype=torch.bool)
        for _ in range(INNER):
            nearer = prox(delta - metric * (delta - wanted), pull).clamp((low - x) / span, (high - x) / span)
            nearer = torch.where(per_sample(moving, x), nearer, delta)
            moving = norm_of(nearer - delta, "l2") >= 0.01 * norm_of(nearer, "l2")
            delta = nearer
        x_adv = torch.where(delta == 0, x, (x + span * delta).clamp(low, high))
        return self.reweigh(batch, replace(state, x_adv=x_adv, mean=mean, square=square), response)
