"""SimBA: steps along the directions of an orthonormal basis, kept if they increase the loss (Guo et al., arXiv 1905.07121)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar, Literal

import torch
from torch import Tensor

from robustkit.attacks.score.ball import to_ball
from robustkit.attacks.score.pick import pick
from robustkit.plugin import AttackInfo, Batch, IterativeAttack, Response, State, UsageError, per_sample

Basis = Literal["pixel", "dct"]
BANDS = 8  # the paper draws from the lowest eighth of the frequencies; its code then continues with higher ones


@dataclass(kw_only=True)
class SimBAState(State):
    """State of the search.

    Parameters
    ----------
    x_best, loss_best
        The best image so far, ``(B, C, H, W)``, and its loss ``(B,)``.
    order
        ``(B, D)``: indices of the directions in the order in which they are tried.
    tried
        ``(B,)``: number of directions already tried.
    final
        Bool ``(B,)``: whether no other sign of the current direction is left to try.
    """

    x_best: Tensor
    loss_best: Tensor
    order: Tensor
    tried: Tensor
    final: Tensor


@dataclass(frozen=True, kw_only=True)
class SimBA(IterativeAttack[SimBAState]):
    """Simple black-box attack on the label's probability (if targeted, the target's) in the pixel or the cosine basis.

    Each direction is tried with a positive sign, then with a negative one if the loss did not increase; an image outside the
    ball is scaled back onto it. Directions are in random order without repetition; in the cosine basis, each eighth of the
    frequencies is used up before the next, lowest first. After all directions, the order repeats.

    Parameters
    ----------
    steps
        Number of queries.
    step_size
        Length of a step, in the unit of the bounds; None means 0.2 times their width, as in the paper.
    basis
        ``pixel``: single elements; ``dct``: two-dimensional cosines in single channels (SimBA-DCT).
    """

    steps: int = 5000
    step_size: float | None = None
    basis: Basis = "dct"

    needs_gradient: ClassVar[bool] = False
    needs_clean_logits: ClassVar[bool] = True
    info: ClassVar[AttackInfo] = AttackInfo(
        name="simba",
        threats=("l2",),
        knowledge="score",
        targeted=True,
        cost="steps + 2 forwards",
        paper="Simple Black-box Adversarial Attacks, arXiv 1905.07121",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.step_size is not None and not self.step_size > 0:
            raise UsageError(f"step_size={self.step_size} must be above 0")
        if self.basis not in ("pixel", "dct"):
            raise UsageError(f"basis={self.basis!r} is unknown: give pixel or dct")

    def start(self, batch: Batch) -> SimBAState:
        assert batch.clean_logits is not None
        shape = tuple(batch.x.shape[1:])
        words = batch.random.bits(batch.sample_ids, (math.prod(shape),), attempt=batch.attempt, stream="order")
        band = torch.zeros(shape, dtype=torch.int64, device=words.device)
        if self.basis == "dct":
            row, column = (torch.arange(length, device=words.device) * BANDS // length for length in shape[1:])
            band = torch.maximum(row[:, None], column[None, :]).expand(shape)
        order = ((band.flatten() << 32) + words).argsort(dim=1)[:, : self.steps].contiguous()
        tried = torch.zeros_like(batch.sample_ids)
        state = SimBAState(
            x_adv=batch.x, x_best=batch.x, loss_best=batch.x[:, 0, 0, 0], order=order, tried=tried, final=tried > 0
        )
        state.loss_best = self.loss(batch, state, batch.clean_logits).to(batch.x.dtype)
        return self._move(batch, state, state.final)

    def step(self, batch: Batch, state: SimBAState, response: Response) -> SimBAState:
        better = response.loss > state.loss_best
        onward = better | state.final
        following = replace(
            state,
            x_best=pick(per_sample(better, state.x_adv), state.x_adv, state.x_best),
            loss_best=torch.where(better, response.loss.to(state.loss_best.dtype), state.loss_best),
            tried=state.tried + onward,
        )
        return self._move(batch, following, ~onward)

    def _move(self, batch: Batch, state: SimBAState, backward: Tensor) -> SimBAState:
        """Query a step from the best image along its direction; against it if `backward`, or if the box blocks the step."""
        bounds, x_best = batch.bounds, state.x_best
        step_size = 0.2 * (bounds[1] - bounds[0]) if self.step_size is None else self.step_size
        step = step_size * self._direction(batch, state)

        def blocked(step: Tensor) -> Tensor:
            return ((x_best + step).clamp_(*bounds) == x_best).flatten(1).all(1)

        no_way, no_way_back = blocked(step), blocked(-step)
        step = pick(per_sample(backward | no_way, step), -step, step)
        return replace(state, x_adv=to_ball(batch, x_best + step), final=backward | no_way | no_way_back)

    def _direction(self, batch: Batch, state: SimBAState) -> Tensor:
        """The current basis vector of each sample, ``(B, C, H, W)``."""
        x = batch.x
        _, channels, height, width = x.shape
        number = state.order.gather(1, (state.tried % state.order.shape[1])[:, None]).squeeze(1)
        channel = number // (height * width)
        vertical = vectors(self.basis, height, x.dtype, x.device)[number // width % height]
        horizontal = vectors(self.basis, width, x.dtype, x.device)[number % width]
        here = (channel[:, None] == torch.arange(channels, device=x.device)).to(x.dtype)
        return (here[:, :, None] * vertical[:, None, :])[..., None] * horizontal[:, None, None, :]


@lru_cache(maxsize=16)
def vectors(basis: Basis, length: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """An orthonormal basis of signals of this length, one vector per row: unit vectors, or cosines by frequency (DCT-II)."""
    if basis == "pixel":
        return torch.eye(length, dtype=dtype, device=device)
    place = torch.arange(length, dtype=torch.float64)
    waves = (math.pi / length * (place + 0.5) * place[:, None]).cos() * math.sqrt(2 / length)
    waves[0] /= math.sqrt(2)
    return waves.to(device, dtype)
