"""Grid search over the range of a transformation with one parameter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from robustkit.plugin import Batch, IterativeAttack, Response, State
from robustkit.threats import NaturalThreat


@dataclass(frozen=True, kw_only=True)
class Sweep(IterativeAttack[State]):
    """Tries a grid over the range, from both ends inwards, until an image is misclassified.

    Parameters
    ----------
    steps
        Number of values after the first one, ``steps + 1`` in all, not counting the value that changes nothing.
    """

    steps: int = 20

    needs_gradient: ClassVar[bool] = False

    def start(self, batch: Batch) -> State:
        return self._try(batch, torch.zeros_like(batch.sample_ids))

    def step(self, batch: Batch, state: State, response: Response) -> State:
        return self._try(batch, response.step + 1)

    def _try(self, batch: Batch, number: Tensor) -> State:
        threat = batch.threat
        assert isinstance(threat, NaturalThreat)
        ((low, high),) = threat.ranges
        pairs = self.steps // 2 + 1
        outwards = 1 - (number // 2).double() / pairs
        side = torch.where(number % 2 == 0, -1.0, 1.0)
        value = (low + high) / 2 + side * outwards * (high - low) / 2
        return State(x_adv=threat.transform(batch.x, value[:, None], batch.bounds), witness=value[:, None])
