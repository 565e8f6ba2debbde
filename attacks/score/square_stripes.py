"""Square Attack's proposals for linf: a window at plus or minus eps, with one sign per channel (arXiv 1912.00049)."""

from __future__ import annotations

import torch
from torch import Tensor

from robustkit.attacks.score.pick import pick
from robustkit.attacks.score.random_search import below, coins
from robustkit.plugin import Batch, NormThreat


def start_stripes(batch: Batch) -> Tensor:
    """Images with vertical stripes of plus or minus eps, one sign per channel and column, ``(B, C, H, W)``."""
    _, channels, _, width = batch.x.shape
    words = batch.random.bits(batch.sample_ids, (channels, 1, width), attempt=batch.attempt, stream="start")
    return _edge(batch, words & 1 == 1)


def paint_square(batch: Batch, x_best: Tensor, words: Tensor, size: Tensor) -> Tensor:
    """The best image with one new window of side `size` ``(B,)``; three words ``(B, 3)`` give its position and signs.

    This equals the paper's rule, which adds 2 * eps and clips to the ball.
    """
    _, channels, height, width = batch.x.shape
    top, left = below(words[:, 0], height - size + 1), below(words[:, 1], width - size + 1)
    painted = _edge(batch, coins(words[:, 2], channels)[:, :, None, None])
    return pick(window(top, left, size, x_best), painted, x_best)


def window(top: Tensor, left: Tensor, size: Tensor, like: Tensor) -> Tensor:
    """Ones in each sample's square window and zeros elsewhere, ``(B, 1, H, W)``; its position and side are ``(B,)``."""

    def span(first: Tensor, length: int) -> Tensor:
        place = torch.arange(length, device=first.device) - first[:, None]
        return ((place >= 0) & (place < size[:, None])).to(like.dtype)

    return span(top, like.shape[2])[:, None, :, None] * span(left, like.shape[3])[:, None, None, :]


def _edge(batch: Batch, up: Tensor) -> Tensor:
    assert isinstance(batch.threat, NormThreat)
    sign = torch.where(up, 1, -1).to(batch.x.dtype)
    return torch.add(batch.x, sign, alpha=batch.threat.eps).clamp_(*batch.bounds)
