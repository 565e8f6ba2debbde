"""Square Attack started from the best image of a gradient attack (after Suya et al., Hybrid Batch Attacks, arXiv 1908.07000)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import torch
from torch import Tensor

from robustkit.attacks.score.random_search import RandomSearchState
from robustkit.attacks.score.square import Square
from robustkit.plugin import Attack, AttackInfo, AttackResult, Batch, Model, Samples, Threat, check_threat, put
from robustkit.plugin import attack as build

#: Queries that any search needs: the first, one more, and the final pass.
LEAST_QUERIES = 3


@dataclass(frozen=True, kw_only=True)
class HybridSquare(Attack):
    """Random search over windows from where a gradient attack got stuck.

    On networks with masked gradients, a gradient attack often ends next to a success that it cannot see. From there random
    search needs a fraction of the queries that it needs from stripes. The paper starts from images crafted on other models.

    Parameters
    ----------
    start
        The attack whose images the search starts from; its successes are kept.
    steps, p_init
        As in `Square`, for the samples on which that attack fails.
    """

    start: str = "pma:steps=20"
    steps: int = 1000
    p_init: float = 0.8

    info: ClassVar[AttackInfo] = AttackInfo(
        name="hybrid-square",
        threats=("linf",),
        knowledge="white-box",
        targeted=True,
        cost="those of the start, and at most steps + 2 forwards",
        paper=(
            "Hybrid Batch Attacks: Finding Black-box Adversarial Examples with Limited Queries, arXiv 1908.07000; "
            "search: Square Attack, arXiv 1912.00049"
        ),
    )

    def __post_init__(self) -> None:
        Square(steps=self.steps, p_init=self.p_init)

    @property
    def least_draws(self) -> int:
        return build(self.start).least_draws

    def check(self, threat: Threat) -> None:
        check_threat(build(self.start), threat)

    def check_queries(self, threat: Threat, draws: int) -> None:
        build(self.start).check_queries(threat, draws)

    def run(self, model: Model, samples: Samples, threat: Threat, seed: int) -> AttackResult:
        found = build(self.start).run(model, samples, threat, seed)
        rows = (~found.success).nonzero().squeeze(1)
        if not len(rows):
            return found
        if threat.queries is not None:
            left = threat.queries - int(found.forwards[rows].max())
            if left < LEAST_QUERIES * model.draws:
                return found
            threat = replace(threat, queries=left)
        begun = _FromImages(steps=self.steps, p_init=self.p_init, images=found.x_adv[rows], ids=samples.ids[rows])
        searched = begun.run(model, samples.rows(rows), threat, seed)
        searched.forwards += found.forwards[rows]
        searched.backwards += found.backwards[rows]
        searched.zero_gradients += found.zero_gradients[rows]
        return put(found, rows, searched)


@dataclass(frozen=True, kw_only=True)
class _FromImages(Square):
    """`Square` whose first query is a given image of each sample, in the order of `ids`."""

    images: Tensor = field(default_factory=lambda: torch.empty(0))
    ids: Tensor = field(default_factory=lambda: torch.empty(0))

    def start(self, batch: Batch) -> RandomSearchState:
        place = (batch.sample_ids[:, None] == self.ids.to(batch.sample_ids.device)).int().argmax(1)
        begun = self.images[place.to(self.images.device)].to(batch.x)
        return replace(super().start(batch), x_adv=begun, x_best=begun)
