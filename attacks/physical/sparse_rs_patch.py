"""Sparse-RS for patches: random search over the colours of squares in a sticker and over its place (arXiv 2006.12834)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar

import torch
from torch import Tensor

from robustkit.attacks.physical.places import candidate
from robustkit.attacks.score.random_search import (
    RandomSearchState,
    below,
    coins,
    keep_best,
    next_words,
    search_loss,
    words_ahead,
)
from robustkit.attacks.score.square import share
from robustkit.crossing import constant, sent
from robustkit.plugin import AttackInfo, Batch, IterativeAttack, PatchThreat, Response, State, UsageError, per_sample
from robustkit.rendering import outline

#: Random words of a query: two for a place, one for a colour, one for a channel.
WORDS = 4

#: Largest shift of the sticker in the first query, as a share of the image.
REACH = 0.75


@dataclass(kw_only=True)
class SparseRSPatchState(RandomSearchState):
    """State of a random search over texture and place.

    Parameters
    ----------
    texture, corner
        ``(B, C, h, w)`` and ``(B, 2)``: the sticker of `x_best`, and the (x, y) of its top left pixel.
    texture_asked, corner_asked
        The same for `x_adv`.
    places
        ``(B, K, 2)``: the corners that it may have; empty, ``(B, 0, 2)``, for any.
    """

    texture: Tensor
    corner: Tensor
    texture_asked: Tensor
    corner_asked: Tensor
    places: Tensor


@dataclass(frozen=True, kw_only=True)
class SparseRSPatch(IterativeAttack[SparseRSPatchState]):
    """A query paints a square of the sticker in an extreme colour, smaller and smaller ones, or moves the sticker, less and less.

    Schedule, period and loss are those of the authors' code. It starts from a mosaic of random colours instead of a thousand
    random squares, and each sample draws its own squares and moves.

    Parameters
    ----------
    steps
        Number of queries.
    p_init
        Share of the sticker in the first squares.
    period
        Every query of this number moves the sticker; None means 4, or 10 if targeted.
    placements
        Number of placements to choose from: the candidates of `patch-control` with the same number. None for any place.
    """

    steps: int = 2000
    p_init: float = 0.4
    period: int | None = None
    placements: int | None = None

    needs_gradient: ClassVar[bool] = False
    info: ClassVar[AttackInfo] = AttackInfo(
        name="sparse-rs-patch",
        threats=("patch",),
        knowledge="score",
        targeted=True,
        cost="steps + 2 forwards",
        paper="Sparse-RS: a versatile framework for query-efficient sparse black-box adversarial attacks, arXiv 2006.12834",
        any_criterion=True,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.p_init <= 1:
            raise UsageError(
                f"p_init={self.p_init} must be above 0 and at most 1: the share of the sticker in the first squares"
            )
        if self.period is not None and self.period < 2:
            raise UsageError(f"period={self.period} must be at least 2, so that some queries change the texture")
        if self.placements is not None and self.placements < 1:
            raise UsageError(f"placements={self.placements} must be at least 1")

    def loss(self, batch: Batch, state: State, logits: Tensor) -> Tensor:
        return search_loss(batch, logits)

    def start(self, batch: Batch) -> SparseRSPatchState:
        mask = sticker_mask(batch)
        window = constant([mask.shape[1], mask.shape[0]], batch.x)
        numbers = range(self.placements or 1)
        zero = torch.zeros_like(batch.sample_ids)
        corners = torch.stack([candidate(batch, zero + k).center - window / 2 for k in numbers], dim=1).round().long()
        corner, texture = corners[:, 0], mosaic(batch, mask.shape)
        x_adv = paste(batch.x, texture, corner, mask)
        ahead = words_ahead(batch, zero, WORDS)
        return SparseRSPatchState(
            x_adv=x_adv,
            x_best=x_adv,
            loss_best=torch.full_like(batch.x[:, 0, 0, 0], -torch.inf),
            words=ahead,
            words_from=zero,
            words_left=ahead.shape[1],
            texture=texture,
            corner=corner,
            texture_asked=texture,
            corner_asked=corner,
            places=corners[:, :0] if self.placements is None else corners,
        )

    def step(self, batch: Batch, state: SparseRSPatchState, response: Response) -> SparseRSPatchState:
        state, better = keep_best(state, response)
        state, words = next_words(batch, state, response.step)
        texture = torch.where(per_sample(better, state.texture), state.texture_asked, state.texture)
        corner = torch.where(better[:, None], state.corner_asked, state.corner)

        assert isinstance(batch.threat, PatchThreat)
        fixed = batch.threat.placement == "center" or self.placements == 1
        period = self.period or (4 if batch.targets is None else 10)
        moves = (response.step % period == period - 1) & (not fixed)
        mask = sticker_mask(batch)
        painted = self._painted(batch, texture, words, response.step)
        texture_asked = torch.where(per_sample(moves, texture), texture, painted)
        moved = self._moved(batch, state.places, corner, mask, words, response.step)
        corner_asked = torch.where(moves[:, None], moved, corner)
        return replace(
            state,
            x_adv=paste(batch.x, texture_asked, corner_asked, mask),
            texture=texture,
            corner=corner,
            texture_asked=texture_asked,
            corner_asked=corner_asked,
        )

    def _painted(self, batch: Batch, texture: Tensor, words: Tensor, step: Tensor) -> Tensor:
        """The textures with one square in another extreme colour; of the last single texels only one channel changes."""
        low, high = batch.bounds
        channels, height, width = texture.shape[1:]
        table, last = squares(self.steps, self.p_init, min(height, width), texture.device)
        side = table[step]
        top, left = below(words[:, 0], height - side + 1), below(words[:, 1], width - side + 1)
        inside = _within(height, top, side)[:, :, None] & _within(width, left, side)[:, None, :]
        colour = torch.full_like(texture[:, :, 0, 0], low).masked_fill(coins(words[:, 2], channels), high)[..., None, None]
        same = ((texture == colour).all(1, keepdim=True) & inside[:, None]).flatten(1).sum(1) == side**2
        colour = torch.where(per_sample(same, colour), low + high - colour, colour)
        channel = torch.arange(channels, device=texture.device) == below(words[:, 3], channels)[:, None]
        fine = per_sample(step >= last, texture)
        colour = torch.where(fine, torch.where(channel[..., None, None], low + high - texture, texture), colour)
        return torch.where(inside[:, None], colour, texture)

    def _moved(self, batch: Batch, places: Tensor, corner: Tensor, mask: Tensor, words: Tensor, step: Tensor) -> Tensor:
        """The corners after a random shift, at the nearest other place that is allowed."""
        height, width = batch.x.shape[2:]
        frame = constant([width, height], corner)
        room = frame - constant([mask.shape[1], mask.shape[0]], corner)
        reach = (REACH * (1 - (step[:, None] + 1) / self.steps) * frame).long().clamp_min(1)
        shifted = (corner + below(words[:, :2], 2 * reach + 1) - reach).clamp_min(0).minimum(room)
        if not places.shape[1]:
            return shifted
        far = (places - shifted[:, None]).abs().amax(2)
        here = (places == corner[:, None]).all(2)
        nearest = far.masked_fill(here, 2**31).argmin(1)
        return places.gather(1, nearest[:, None, None].expand(-1, 1, 2)).squeeze(1)


def sticker_mask(batch: Batch) -> Tensor:
    """The pixels that the threat's sticker covers in its window, bool ``(h, w)``."""
    assert isinstance(batch.threat, PatchThreat)
    return sent(outline(batch.threat, *batch.x.shape[2:]), batch.x.device)


def paste(x: Tensor, texture: Tensor, corner: Tensor, mask: Tensor) -> Tensor:
    """The images ``(B, C, H, W)`` with a texture ``(B, C, h, w)`` on the pixels of `mask` ``(h, w)``, its top left one at `corner`."""
    rows = torch.arange(x.shape[2], device=x.device) - corner[:, 1:]
    columns = torch.arange(x.shape[3], device=x.device) - corner[:, :1]
    height, width = mask.shape
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None, :]
    texel = (rows.clamp(0, height - 1) * width)[:, :, None] + columns.clamp(0, width - 1)[:, None, :]
    shown = texture.flatten(2).gather(2, texel.flatten(1)[:, None].expand(-1, x.shape[1], -1)).reshape(x.shape)
    return torch.where((inside & mask.flatten()[texel])[:, None], shown, x)


def mosaic(batch: Batch, shape: torch.Size) -> Tensor:
    """Textures ``(B, C, h, w)`` of squares in random extreme colours, about as many across as each is wide."""
    low, high = batch.bounds
    height, width = shape
    tile = math.ceil(math.sqrt(min(height, width)) / 2)
    tiles = (math.ceil(height / tile), math.ceil(width / tile))
    bits = batch.random.bits(batch.sample_ids, (batch.x.shape[1], *tiles), attempt=batch.attempt, stream="mosaic") & 1
    large = bits.repeat_interleave(tile, dim=2).repeat_interleave(tile, dim=3)[..., :height, :width]
    return low + (high - low) * large.to(batch.x.dtype)


def _within(length: int, start: Tensor, side: Tensor) -> Tensor:
    """Which of `length` positions are among the `side` from `start` on, bool ``(B, length)``."""
    at = torch.arange(length, device=start.device)
    return (at >= start[:, None]) & (at < (start + side)[:, None])


@lru_cache(maxsize=16)
def squares(steps: int, p_init: float, window: int, device: torch.device) -> tuple[Tensor, int]:
    """The side of the square at each query, ``(steps,)``, and the query from which on single channels change."""
    sides = [max(int(math.sqrt(share(query, steps, p_init)) * window), 1) for query in range(steps)]
    single = sides.index(1) if 1 in sides else steps
    return sent(torch.tensor(sides), device), single + (steps - single) // 2
