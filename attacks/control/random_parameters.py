"""Random parameters of a rendered threat: a control for the effect of the transformation without an adversary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from robustkit.plugin import AttackInfo, Batch, IterativeAttack, RenderedThreat, Response, State


@dataclass(frozen=True, kw_only=True)
class RandomParameters(IterativeAttack[State]):
    """Independent uniform draws within the threat's limits, queried one after another until one is misclassified.

    Parameters
    ----------
    steps
        Number of draws after the first one: ``steps + 1`` in all.
    """

    steps: int = 9

    needs_gradient: ClassVar[bool] = False
    info: ClassVar[AttackInfo] = AttackInfo(
        name="random-parameters",
        threats=("flow", "recolor", "spatial", "brightness", "contrast", "hue", "shadow", "sensor"),
        knowledge="decision",
        targeted=True,
        cost="steps + 2 forwards",
        paper="Exploring the Landscape of Spatial Robustness, arXiv 1712.02779",
        control=True,
    )

    def start(self, batch: Batch) -> State:
        return self._draw(batch, torch.zeros_like(batch.sample_ids))

    def step(self, batch: Batch, state: State, response: Response) -> State:
        return self._draw(batch, response.step + 1)

    def _draw(self, batch: Batch, number: Tensor) -> State:
        threat = batch.threat
        assert isinstance(threat, RenderedThreat)
        low, high = threat.limits(batch.x)
        share = batch.random.uniform(batch.sample_ids, (len(low),), step=number, dtype=torch.float64)
        parameters = low + share * (high - low)
        return State(x_adv=threat.transform(batch.x, parameters, batch.bounds), witness=parameters)
