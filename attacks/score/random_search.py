"""Random search: a proposal that raises the loss takes the place of the best one, any other is forgotten."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeVar

import torch
from torch import Tensor

from robustkit.attacks.score.pick import pick
from robustkit.crossing import sent
from robustkit.plugin import Batch, Response, State, per_sample

#: Words that are drawn ahead for a sample: a call for few costs as much as one for many.
AHEAD = 256


@dataclass(kw_only=True)
class RandomSearchState(State):
    """What a search remembers.

    Parameters
    ----------
    x_best
        ``(B, C, H, W)``: the query of the greatest loss so far.
    loss_best
        ``(B,)``: its loss.
    words
        ``(B, T, W)``: W 32-bit words for each of T steps, a function of sample, attempt and step like all draws.
    words_from
        ``(B,)``: the step that the first of them are for.
    words_left
        How many steps the words still serve, for all samples; those that came later have more.
    """

    x_best: Tensor
    loss_best: Tensor
    words: Tensor
    words_from: Tensor
    words_left: int


S = TypeVar("S", bound=RandomSearchState)


def search_loss(batch: Batch, logits: Tensor) -> Tensor:
    """The lead of the best wrong class; targeted, the log-probability of the target, as in the authors' code."""
    return (
        batch.criterion.loss(logits, batch.samples)
        if batch.targets is not None
        else batch.criterion.margin(logits, batch.samples)
    )


def keep_best(state: S, response: Response) -> tuple[S, Tensor]:
    """The state after an answer, and whether that answer is the best so far, bool ``(B,)``."""
    better = response.loss > state.loss_best
    x_best = pick(per_sample(better, state.x_adv), state.x_adv, state.x_best)
    loss_best = torch.where(better, response.loss.to(state.loss_best.dtype), state.loss_best)
    return replace(state, x_best=x_best, loss_best=loss_best), better


def next_words(batch: Batch, state: S, step: Tensor) -> tuple[S, Tensor]:
    """The state and this step's words ``(B, W)``."""
    if state.words_left == 0:
        words = words_ahead(batch, step, state.words.shape[2])
        state = replace(state, words=words, words_from=step, words_left=words.shape[1])
    row = torch.arange(len(step), device=step.device)
    return replace(state, words_left=state.words_left - 1), state.words[row, step - state.words_from]


def words_ahead(batch: Batch, step: Tensor, count: int) -> Tensor:
    """`count` words for each of some steps from `step` ``(B,)`` on, ``(B, T, count)``."""
    steps = max(AHEAD // count, 1)
    ids, attempt, first = (rows.repeat_interleave(steps) for rows in (batch.sample_ids, batch.attempt, step))
    ahead = torch.arange(steps, device=step.device).repeat(len(step))
    return batch.random.bits(ids, (count,), attempt=attempt, step=first + ahead).reshape(-1, steps, count)


def below(words: Tensor, high: Tensor | int) -> Tensor:
    """Words as uniform integers in [0, high)."""
    return (words * high) >> 32


def coins(words: Tensor, count: int) -> Tensor:
    """The first `count` bits of each word, bool ``(..., count)``; a word has 32, which then come again."""
    return (words[..., None] >> (torch.arange(count, device=words.device) % 32)) & 1 == 1


@lru_cache(maxsize=32)
def table(values: tuple[int, ...], device: torch.device) -> Tensor:
    """Integers on a device, copied there once."""
    return sent(torch.tensor(values), device)
