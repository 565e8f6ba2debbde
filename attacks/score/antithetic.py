"""Gradients estimated from queries in pairs, a little to either side of the image, for ascent without gradients."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar, TypeVar

import torch
from torch import Tensor

from robustkit.attacks.score.ball import to_ball
from robustkit.attacks.score.pick import pick
from robustkit.plugin import Batch, IterativeAttack, Response, State, UsageError, per_sample


@dataclass(kw_only=True)
class AntitheticState(State):
    """What an ascent remembers.

    Parameters
    ----------
    x_from
        ``(B, C, H, W)``: the image that the queries surround.
    noise
        ``(B, C, H, W)``: the direction of the present pair of queries.
    grad
        ``(B, C, H, W)``: sum over this image's pairs so far.
    loss_before
        ``(B,)``: the loss of the query before.
    """

    x_from: Tensor
    noise: Tensor
    grad: Tensor
    loss_before: Tensor


S = TypeVar("S", bound=AntitheticState)


@dataclass(frozen=True, kw_only=True)
class AntitheticAttack(IterativeAttack[S]):
    """An ascent whose gradients are means of finite differences along random directions.

    One query a step: x + radius * noise, then x - radius * noise, and after `population` of them the image moves. Queries are
    brought back into ball and box, so that each of them can be a success; where an element sits on the edge its difference is
    then one-sided.

    Parameters
    ----------
    steps
        Queries.
    population
        Queries a gradient is estimated from, an even number; at most as many as `steps`.
    """

    steps: int = 5000
    population: int = 50

    needs_gradient: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.population < 2 or self.population % 2:
            raise UsageError(f"population={self.population} must be an even number of queries: they come in pairs")

    @abstractmethod
    def radius(self, batch: Batch) -> float:
        """How far a query lies from the image, in the unit of the bounds, along noise of unit variance."""

    @abstractmethod
    def draw(self, batch: Batch, pair: Tensor) -> Tensor:
        """The noise ``(B, C, H, W)`` of each sample's pair of queries ``(B,)``."""

    @abstractmethod
    def move(self, batch: Batch, state: S) -> S:
        """The state after a whole population: another `x_from`, and what the next sum of gradients starts from in `grad`."""

    def first_state(self, batch: Batch) -> AntitheticState:
        """The state before the first query."""
        noise = self.draw(batch, torch.zeros_like(batch.sample_ids))
        return AntitheticState(
            x_adv=to_ball(batch, batch.x + self.radius(batch) * noise),
            x_from=batch.x,
            noise=noise,
            grad=torch.zeros_like(batch.x),
            loss_before=torch.zeros_like(batch.x[:, 0, 0, 0]),
        )

    def step(self, batch: Batch, state: S, response: Response) -> S:
        queries = response.step + 1
        whole_pair = queries % 2 == 0
        difference = torch.where(whole_pair, state.loss_before - response.loss, 0).to(batch.x.dtype)
        added = state.grad + per_sample(difference, batch.x) * state.noise
        state = replace(state, grad=added, loss_before=response.loss.to(batch.x.dtype))
        population = min(self.population, max(2, self.steps // 2 * 2))
        state = choose(queries % population == 0, self.move(batch, state), state)
        noise = self.draw(batch, queries // 2)
        side = self.radius(batch) * torch.where(whole_pair, 1, -1).to(noise.dtype)
        x_adv = to_ball(batch, state.x_from + per_sample(side, noise) * noise)
        return replace(state, x_adv=x_adv, noise=noise)


def choose(mask: Tensor, one: S, other: S) -> S:
    """The rows of one state where `mask`, of the other elsewhere."""
    changed = {
        name: pick(per_sample(mask, value), value, getattr(other, name))
        for name, value in vars(one).items()
        if value is not getattr(other, name)
    }
    return replace(other, **changed)
