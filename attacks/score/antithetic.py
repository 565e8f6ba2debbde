"""Ascent along gradients estimated by finite differences from antithetic pairs of queries."""

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
    """State of the ascent.

    Parameters
    ----------
    x_from
        ``(B, C, H, W)``: the current iterate, around which the queries lie.
    noise
        ``(B, C, H, W)``: the direction of the current pair of queries.
    grad
        ``(B, C, H, W)``: sum over the pairs at this iterate so far.
    loss_before
        ``(B,)``: the loss of the previous query.
    """

    x_from: Tensor
    noise: Tensor
    grad: Tensor
    loss_before: Tensor


S = TypeVar("S", bound=AntitheticState)


@dataclass(frozen=True, kw_only=True)
class AntitheticAttack(IterativeAttack[S]):
    """Gradient ascent with gradients averaged from finite differences along random directions.

    One query per step: x + radius * noise, then x - radius * noise; after `population` queries the iterate moves. Queries are
    projected into the ball and the box so that each can be a success; for an element at its limit, the difference is
    one-sided.

    Parameters
    ----------
    steps
        Number of queries.
    population
        Number of queries per gradient estimate, even and at most `steps`.
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
        """Scale of the noise, which has unit variance, in the unit of the bounds."""

    @abstractmethod
    def draw(self, batch: Batch, pair: Tensor) -> Tensor:
        """The noise ``(B, C, H, W)`` of each sample's pair of queries, numbered by `pair` ``(B,)``."""

    @abstractmethod
    def move(self, batch: Batch, state: S) -> S:
        """The state after a whole population, with a new `x_from` and with `grad` set to the start of the next sum."""

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
    """The rows of `one` where `mask` is true, and of `other` elsewhere."""
    changed = {
        name: pick(per_sample(mask, value), value, getattr(other, name))
        for name, value in vars(one).items()
        if value is not getattr(other, name)
    }
    return replace(other, **changed)
