"""Attacks on the parameters that an image is rendered from: gradient steps through the threat's transformation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from robustkit.engine.stepping import Batch, Response, State
from robustkit.errors import UsageError
from robustkit.iterative import IterativeAttack
from robustkit.threats import RenderedThreat


@dataclass(kw_only=True)
class ParametricState(State):
    """The current parameters, from which `x_adv` is rendered."""

    parameters: Tensor = field(default=None)  # type: ignore[assignment]


@dataclass(frozen=True, kw_only=True)
class ParametricAttack(IterativeAttack[ParametricState]):
    """Gradient steps on the parameters, from the identity or a random start, clipped to the threat's limits.

    Parameters
    ----------
    steps
        Steps per attempt.
    step_size
        Largest change of a parameter per step, as a share of the threat's size.
    restarts
        Number of attempts; all but the first have random starts.

    Raises
    ------
    UsageError
        If a number is not above 0.
    """

    steps: int = 50
    step_size: float = 0.1
    restarts: int = 1

    needs_gradient: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.step_size > 0:
            raise UsageError(f"step_size={self.step_size} must be above 0: a share of the threat's size, such as 0.1")
        if self.restarts < 1:
            raise UsageError(f"restarts={self.restarts} must be at least 1")

    def attempts(self, threat: object, num_classes: int) -> int:
        return self.restarts

    def direction(self, batch: Batch, grad: Tensor) -> Tensor:
        """The step direction for a gradient ``(B, P)``, with a maximum of about 1: its sign."""
        return grad.sign()

    def start(self, batch: Batch) -> ParametricState:
        low, high = rendered(batch).limits(batch.x)
        share = batch.random.uniform(batch.sample_ids, (len(low),), step=batch.attempt, dtype=torch.float64)
        drawn = low + share * (high - low)
        return self._at(batch, torch.where(batch.attempt[:, None] > 0, drawn, torch.zeros_like(drawn)))

    def leaf(self, state: ParametricState) -> Tensor:
        return state.parameters

    def view(self, batch: Batch, state: ParametricState, leaf: Tensor) -> Tensor:
        return rendered(batch).transform(batch.x, leaf, batch.bounds)

    def step(self, batch: Batch, state: ParametricState, response: Response) -> ParametricState:
        threat = rendered(batch)
        low, high = threat.limits(batch.x)
        moved = state.parameters + self.step_size * threat.size * self.direction(batch, response.grad)
        return self._at(batch, torch.minimum(torch.maximum(moved, low), high))

    def _at(self, batch: Batch, parameters: Tensor) -> ParametricState:
        x_adv = rendered(batch).transform(batch.x, parameters, batch.bounds)
        return ParametricState(x_adv=x_adv, witness=parameters, parameters=parameters)


def rendered(batch: Batch) -> RenderedThreat:
    """The batch's threat, which renders images."""
    assert isinstance(batch.threat, RenderedThreat)
    return batch.threat
