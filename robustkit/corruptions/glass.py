"""The disorder of frosted glass: pixels take the place of their neighbours, one after another."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor


@cache
def fronts(height: int, width: int, reach: int) -> tuple[tuple[int, ...], ...]:
    """The pixels (as flat positions) from the last to the first, in groups that cannot meet: every group at once gives
    what one pixel at a time would give, for a group's pixels lie more than `reach` columns apart."""
    groups: dict[int, list[int]] = {}
    for row in range(height - reach, reach, -1):
        for column in range(width - reach, reach, -1):
            groups.setdefault((height - row) * (reach + 1) + width - column, []).append(row * width + column)
    return tuple(tuple(groups[order]) for order in sorted(groups))


def disorder(x: Tensor, reach: int, offsets: Tensor) -> Tensor:
    """From the last pixel to the first, each takes the colour that a neighbour has by then.

    So does the published code on colour images: what is written there as a swap copies, for both sides are views.

    Parameters
    ----------
    x
        ``(B, C, H, W)``.
    reach
        How far a neighbour may be.
    offsets
        ``(B, T, 2, H, W)`` integers in [-reach, reach): where each pixel's neighbour is, right and down, in T rounds.
    """
    height, width = x.shape[-2:]
    source = torch.arange(height * width, device=x.device).expand(len(x), -1).clone()
    shift = (offsets[:, :, 1] * width + offsets[:, :, 0]).flatten(2)
    for turn in range(offsets.shape[1]):
        for front in fronts(height, width, reach):
            here = torch.tensor(front, device=x.device)
            source[:, here] = source.gather(1, here + shift[:, turn, here])
    return x.flatten(2).gather(2, source[:, None].expand(-1, x.shape[1], -1)).view_as(x)
