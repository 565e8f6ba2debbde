"""Random search: a proposal replaces the current best if it increases the loss, and is discarded otherwise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeVar

import torch
from torch import Tensor

from robustkit.attacks.score.pick import pick
from robustkit.crossing import sent
from robustkit.plugin import Batch, Response, State, per_sample

#: Random words drawn ahead per sample, because a call costs the same for few as for many.
AHEAD = 256


@dataclass(kw_only=True)
class RandomSearchState(State):
    """State of a random search.

    Parameters
    ----------
    x_best
        ``(B, C, H, W)``: the query with the highest loss so far.
    loss_best
        ``(B,)``: its loss.
    words
        ``(B, T, W)``: W 32-bit random words for each of T steps, a function of sample, attempt and step.
    words_from
        ``(B,)``: the step of the first of these words.
    words_left
        Number of steps for which words are left in all samples; samples added later have more.
    """

    x_best: Tensor
    loss_best: Tensor
    words: Tensor
    words_from: Tensor
    words_left: int


S = TypeVar("S", bound=RandomSearchState)


def search_loss(batch: Batch, logits: Tensor) -> Tensor:
    """The margin of the best wrong class; if targeted, the log-probability of the target, as in the authors' code."""
    return (
        batch.criterion.loss(logits, batch.samples)
        if batch.targets is not None
        else batch.criterion.margin(logits, batch.samples)
    )


def keep_best(state: S, response: Response) -> tuple[S, Tensor]:
    """The state after a response, and whether its loss is the highest so far, bool ``(B,)``."""
    better = response.loss > state.loss_best
    x_best = pick(per_sample(better, state.x_adv), state.x_adv, state.x_best)
    loss_best = torch.where(better, response.loss.to(state.loss_best.dtype), state.loss_best)
    return replace(state, x_best=x_best, loss_best=loss_best), better


def next_words(batch: Batch, state: S, step: Tensor) -> tuple[S, Tensor]:
    """The updated state and this step's random words ``(B, W)``."""
    if state.words_left == 0:
        words = words_ahead(batch, step, state.words.shape[2])
        state = replace(state, words=words, words_from=step, words_left=words.shape[1])
    row = torch.arange(len(step), device=step.device)
    return replace(state, words_left=state.words_left - 1), state.words[row, step - state.words_from]


def words_ahead(batch: Batch, step: Tensor, count: int) -> Tensor:
    """`count` random words for each of T steps starting at `step` ``(B,)``, ``(B, T, count)``."""
    steps = max(AHEAD // count, 1)
    ids, attempt, first = (rows.repeat_interleave(steps) for rows in (batch.sample_ids, batch.attempt, step))
    ahead = torch.arange(steps, device=step.device).repeat(len(step))
    return batch.random.bits(ids, (count,), attempt=attempt, step=first + ahead).reshape(-1, steps, count)


def below(words: Tensor, high: Tensor | int) -> Tensor:
    """Uniform integers in [0, high) from random words."""
    return (words * high) >> 32


def coins(words: Tensor, count: int) -> Tensor:
    """The first `count` bits of each word, bool ``(..., count)``; bits repeat after 32."""
    return (words[..., None] >> (torch.arange(count, device=words.device) % 32)) & 1 == 1


@lru_cache(maxsize=32)
def table(values: tuple[int, ...], device: torch.device) -> Tensor:
    """The integers as a tensor on a device, copied there once."""
    return sent(torch.tensor(values), device)
