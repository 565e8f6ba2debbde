"""Sparse-RS: random search over the pixels to change and their colours (Croce et al., arXiv 2006.12834)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar

import torch
from torch import Tensor

from robustkit.attacks.score.random_search import (
    RandomSearchState,
    below,
    coins,
    keep_best,
    next_words,
    search_loss,
    words_ahead,
)
from robustkit.crossing import sent
from robustkit.plugin import AttackInfo, Batch, IterativeAttack, NormThreat, Response, State, UsageError

#: (query, divisor): up to this query of 10,000, a query replaces `alpha_init` / divisor of the changed pixels.
SHARES = ((0, 1), (50, 2), (200, 4), (500, 5), (1000, 6), (2000, 8), (4000, 10), (6000, 12), (8000, 15), (10000, 20))


@dataclass(kw_only=True)
class SparseRSState(RandomSearchState):
    """State of a random search over sets of locations.

    Parameters
    ----------
    order
        ``(B, P)``: a permutation of all locations of an image; `x_best` changes the first ones.
    order_asked
        The same for `x_adv`.
    """

    order: Tensor
    order_asked: Tensor


@dataclass(frozen=True, kw_only=True)
class SparseRS(IterativeAttack[SparseRSState]):
    """Sparse-RS for l0: a fixed number of locations take extreme colours; each query restores some and changes others.

    The l0 budget counts elements, not pixels. With C channels and eps >= C, ``eps // C`` whole pixels are changed, as in the
    paper; the remainder of eps is not used. With a smaller eps, the locations are ``eps`` single elements.

    The loss and the schedule are those of the authors' code. Unlike there, a changed location never keeps its clean colour (the
    authors ensure this only in the last queries), and each sample draws its own locations.

    Parameters
    ----------
    steps
        Number of queries.
    alpha_init
        A query replaces half this fraction of the changed locations at first, and a twentieth of it at the end.
    """

    steps: int = 5000
    alpha_init: float = 0.3

    needs_gradient: ClassVar[bool] = False
    info: ClassVar[AttackInfo] = AttackInfo(
        name="sparse-rs",
        threats=("l0",),
        knowledge="score",
        targeted=True,
        cost="steps + 2 forwards",
        paper="Sparse-RS: a versatile framework for query-efficient sparse black-box adversarial attacks, arXiv 2006.12834",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.alpha_init <= 1:
            raise UsageError(f"alpha_init={self.alpha_init} must be a fraction of the changed pixels, above 0 and at most 1")

    def loss(self, batch: Batch, state: State, logits: Tensor) -> Tensor:
        return search_loss(batch, logits)

    def start(self, batch: Batch) -> SparseRSState:
        places, changed = layout(batch)
        number = places.shape[2]
        if number < 2:
            raise UsageError(
                f"attack {self.name!r} needs images with at least 2 pixels, not of shape {tuple(batch.x.shape[1:])}"
            )
        draw = batch.random.bits
        order = draw(batch.sample_ids, (number,), attempt=batch.attempt, stream="order").argsort(dim=1)
        words = draw(batch.sample_ids, (changed,), attempt=batch.attempt, stream="colours")
        x_adv = paint(batch, places, order[:, :changed], words).reshape(batch.x.shape)
        _, most = replaced(self.steps, self.alpha_init, changed, number, batch.x.device)
        step = torch.zeros_like(batch.sample_ids)
        ahead = words_ahead(batch, step, 3 * most)
        return SparseRSState(
            x_adv=x_adv,
            x_best=x_adv,
            loss_best=torch.full_like(batch.x[:, 0, 0, 0], -torch.inf),
            words=ahead,
            words_from=step,
            words_left=ahead.shape[1],
            order=order,
            order_asked=order,
        )

    def step(self, batch: Batch, state: SparseRSState, response: Response) -> SparseRSState:
        state, better = keep_best(state, response)
        state, words = next_words(batch, state, response.step)
        order = torch.where(better[:, None], state.order_asked, state.order)

        clean, changed = layout(batch)
        number = clean.shape[2]
        table, most = replaced(self.steps, self.alpha_init, changed, number, batch.x.device)
        count = table[response.step]
        for_old, for_new, for_colours = torch.chunk(words, 3, dim=1)
        old, new = distinct(for_old, changed, count), changed + distinct(for_new, number - changed, count)
        given_back, taken = order.gather(1, old), order.gather(1, new)

        index = given_back[:, None].expand(-1, clean.shape[1], -1)
        x_adv = state.x_best.reshape(clean.shape).scatter(2, index, clean.gather(2, index))
        x_adv = paint(batch, x_adv, taken, for_colours.gather(1, first_ones(count, most)))
        return replace(
            state,
            x_adv=x_adv.reshape(batch.x.shape),
            order=order,
            order_asked=order.scatter(1, old, taken).scatter(1, new, given_back),
        )


def layout(batch: Batch) -> tuple[Tensor, int]:
    """The clean images as ``(B, values per location, locations)``, and how many locations (pixels or elements) to change."""
    assert isinstance(batch.threat, NormThreat)
    channels, eps = batch.x.shape[1], int(batch.threat.eps)
    places = batch.x.flatten(2) if eps >= channels else batch.x.flatten(1)[:, None]
    return places, min(eps // places.shape[1], places.shape[2] - 1)


def paint(batch: Batch, images: Tensor, where: Tensor, words: Tensor) -> Tensor:
    """Images ``(B, G, P)`` with extreme colours at locations ``(B, K)``, inverted if equal to the old colour."""
    low, high = batch.bounds
    index = where[:, None].expand(-1, images.shape[1], -1)
    there = images.gather(2, index)
    bright = coins(words, images.shape[1]).transpose(1, 2)
    same = (torch.full_like(there, low).masked_fill(bright, high) == there).all(1, keepdim=True)
    return images.scatter(2, index, torch.full_like(there, low).masked_fill(bright ^ same, high))


def distinct(words: Tensor, number: Tensor | int, count: Tensor) -> Tensor:
    """`count` ``(B,)`` distinct integers below `number`, ``(B, M)``; entries beyond a sample's count repeat the first.

    Sorted draws, which may be equal, are made distinct by adding their rank. No integer is favoured; adjacent ones are drawn
    together slightly too rarely, which does not matter because they index locations in random order.
    """
    rank = torch.arange(words.shape[1], device=words.device)
    drawn = below(words, (number - count + 1)[:, None])
    sorted_ = torch.where(rank < count[:, None], drawn, 2**32).sort(dim=1).values + rank
    return sorted_.gather(1, first_ones(count, words.shape[1]))


def first_ones(count: Tensor, most: int) -> Tensor:
    """The integers 0, 1, ... below each sample's count, then zeros, ``(B, most)``."""
    rank = torch.arange(most, device=count.device)
    return torch.where(rank < count[:, None], rank, 0)


@lru_cache(maxsize=16)
def replaced(steps: int, alpha_init: float, changed: int, number: int, device: torch.device) -> tuple[Tensor, int]:
    """The number of locations that each query replaces, ``(steps,)``, and its maximum."""
    counts = []
    for query in range(1, steps + 1):
        scaled = int(query / steps * 10000)
        divisor = next(divisor for bound, divisor in SHARES if scaled <= bound)
        counts.append(min(max(int(alpha_init / divisor * changed), 1), changed, number - changed))
    return sent(torch.tensor(counts), device), max(counts)
