"""Worst case over a camera's errors: a random sweep of its parameters, then steps around the worst of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from robustkit.attacks.score.random_search import search_loss
from robustkit.plugin import AttackInfo, Batch, IterativeAttack, RenderedThreat, Response, State


@dataclass(kw_only=True)
class SensorState(State):
    """State of the search in the unit cube of the threat's P parameters.

    Parameters
    ----------
    place
        ``(B, P)``: the query.
    best_place, best_loss
        The query with the highest loss so far ``(B, P)``, and its loss ``(B,)``.
    """

    place: Tensor
    best_place: Tensor
    best_loss: Tensor


@dataclass(frozen=True, kw_only=True)
class Sensor(IterativeAttack[SensorState]):
    """Sweeps the parameters, then refines the worst query, until an image is misclassified.

    In the sweep each parameter is at the lowest or the highest value, a quarter of the queries each, or anywhere. A refinement
    moves every parameter of the worst query so far by a uniform share of a radius, which shrinks from half a range to nothing.

    Parameters
    ----------
    steps
        Queries after the first one; the first half is the sweep.
    """

    steps: int = 99

    needs_gradient: ClassVar[bool] = False
    info: ClassVar[AttackInfo] = AttackInfo(
        name="sensor",
        threats=("sensor",),
        knowledge="score",
        targeted=True,
        cost="steps + 2 forwards",
        paper="Covariate Shifts in Environment and Sensor Domains, arXiv 2404.15882, where the camera's settings vary without a search",
    )

    def loss(self, batch: Batch, state: SensorState, logits: Any) -> Tensor:
        return search_loss(batch, logits)

    def start(self, batch: Batch) -> SensorState:
        low, _ = rendered(batch).limits(batch.x)
        place = torch.zeros((len(batch.x), len(low)), dtype=torch.float64, device=batch.x.device)
        unknown = torch.full_like(place[:, 0], -torch.inf)
        state = SensorState(x_adv=batch.x, place=place, best_place=place, best_loss=unknown)
        return self._try(batch, state, torch.zeros_like(batch.sample_ids))

    def step(self, batch: Batch, state: SensorState, response: Response) -> SensorState:
        better = response.loss > state.best_loss
        best_place = torch.where(better[:, None], state.place, state.best_place)
        best_loss = torch.where(better, response.loss.to(state.best_loss.dtype), state.best_loss)
        return self._try(batch, replace(state, best_place=best_place, best_loss=best_loss), response.step + 1)

    def _try(self, batch: Batch, state: SensorState, number: Tensor) -> SensorState:
        """The state whose next query has this number ``(B,)``."""
        threat = rendered(batch)
        low, high = threat.limits(batch.x)
        drawn = batch.random.uniform(batch.sample_ids, (len(low),), step=number, dtype=torch.float64)
        radius = (1 - number / (self.steps + 1))[:, None]
        refined = state.best_place + radius * (2 * drawn - 1)
        swept = 2 * drawn - 0.5
        place = torch.where((2 * number <= self.steps)[:, None], swept, refined).clamp(0, 1)
        parameters = torch.minimum(low + place * (high - low), high)
        x_adv = threat.transform(batch.x, parameters, batch.bounds)
        return replace(state, place=place, x_adv=x_adv, witness=parameters)


def rendered(batch: Batch) -> RenderedThreat:
    """The batch's threat, which renders images."""
    assert isinstance(batch.threat, RenderedThreat)
    return batch.threat
