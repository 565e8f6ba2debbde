"""HopSkipJump: gradient estimates at the decision boundary from decisions only (Chen et al., arXiv 1904.02144)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from robustkit.attacks.decision.noise import along
from robustkit.attacks.decision.walk import BoundaryWalk, Walk, choose, norm, unit
from robustkit.plugin import AttackInfo, Batch

#: Distance of the probes, as a fraction of the perturbation's norm. The authors use 1 / (number of elements), which is similar
#: for small images but vanishes in rounding for large ones.
RADIUS = 1e-2
#: Weight of the previous estimate in linf, where a small error can flip the sign of an element.
MEMORY = 0.7


@dataclass(frozen=True, kw_only=True)
class HopSkipJump(BoundaryWalk):
    """Steps along the estimated gradient (for linf, its sign), halved until adversarial, then bisection back to the boundary.

    For linf, unlike the authors' version, estimates of previous rounds are reused; for l2 this did not help.

    It starts from the first adversarial image among random ones. Under a targeted threat, that image must be classified as the
    target; if no draw within the budget is, the attack fails, because it has no other starting point.

    Parameters
    ----------
    steps
        Query budget per sample.
    initial_queries
        Number of probes in the first round; round t uses ``sqrt(t)`` times as many. The authors use 100.
    """

    info: ClassVar[AttackInfo] = AttackInfo(
        name="hopskipjump",
        threats=("l2", "linf"),
        knowledge="decision",
        targeted=True,
        cost="steps + 3 forwards",
        paper="HopSkipJumpAttack: A Query-Efficient Decision-Based Attack, arXiv 1904.02144",
    )

    def tolerance(self, batch: Batch) -> float:
        return RADIUS / float(batch.x[0].numel() ** (0.5 if norm(batch) == "l2" else 1.0))

    def radius(self, batch: Batch, state: Walk) -> Tensor:
        low, high = batch.bounds
        return torch.where(state.rounds <= 1, 0.1 * (high - low), RADIUS * self._distance(batch, state))

    def memory(self, batch: Batch) -> float:
        return 0.0 if norm(batch) == "l2" else MEMORY

    def depart(self, batch: Batch, state: Walk) -> Walk:
        direction = unit(state.estimate) if norm(batch) == "l2" else state.estimate.sign()
        return replace(state, pull=direction, at=self._distance(batch, state) / state.rounds.to(direction.dtype).sqrt())

    def image_at(self, batch: Batch, state: Walk) -> Tensor:
        return along(state.anchor, state.at, state.pull)

    def moved(self, batch: Batch, state: Walk, won: Tensor) -> Walk:
        shorter = replace(state, at=state.at / 2)
        stuck = state.at < self.tolerance(batch) * self._distance(batch, state)
        lost = choose(stuck, self.probe(state, state.anchor), shorter)
        return choose(won, self.bisect(state), lost)

    def _distance(self, batch: Batch, state: Walk) -> Tensor:
        return batch.threat.distance(batch.x, state.anchor)
