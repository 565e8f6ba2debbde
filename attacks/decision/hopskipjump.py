"""HopSkipJump: the boundary's gradient from decisions alone (Chen et al., arXiv 1904.02144)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from robustkit.attacks.decision.noise import along
from robustkit.attacks.decision.walk import BoundaryWalk, Walk, choose, norm, unit
from robustkit.plugin import AttackInfo, Batch

#: How far to probe, as a share of the distance. The authors take 1 / (number of elements), which is close to this for small
#: images; on large ones it would drown in rounding.
RADIUS = 1e-2
#: How much an earlier round's estimate counts in linf, where the least error turns an element's sign.
MEMORY = 0.7


@dataclass(frozen=True, kw_only=True)
class HopSkipJump(BoundaryWalk):
    """Steps along the estimated gradient (for linf, its sign), halved until adversarial, and back to the boundary.

    In linf the estimates of earlier rounds help the next, which the authors leave out; in l2 they did not help.

    It starts from the first adversarial image among random ones. Under a targeted threat that image must be of the target
    class; where none of the budget's draws is, the attack honestly fails, for it is given no image of the target to start from.

    Parameters
    ----------
    steps
        The query budget of a sample.
    initial_queries
        Probes of the first round; round t takes ``sqrt(t)`` times as many. The authors take 100.
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

    def way(self, batch: Batch, state: Walk) -> Tensor:
        return along(state.anchor, state.at, state.pull)

    def moved(self, batch: Batch, state: Walk, won: Tensor) -> Walk:
        shorter = replace(state, at=state.at / 2)
        stuck = state.at < self.tolerance(batch) * self._distance(batch, state)
        lost = choose(stuck, self.probe(state, state.anchor), shorter)
        return choose(won, self.bisect(state), lost)

    def _distance(self, batch: Batch, state: Walk) -> Tensor:
        return batch.threat.distance(batch.x, state.anchor)
