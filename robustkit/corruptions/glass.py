"""The disorder of frosted glass: pixels take the place of their neighbours, one after another."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from robustkit.crossing import sent


@cache
def fronts(height: int, width: int, reach: int) -> tuple[Tensor, list[int]]:
    """The pixels (as flat positions) from the last to the first, and how many of them can go at once.

    The pixels of a group lie more than `reach` columns apart and cannot meet: every group at once gives what one pixel at a
    time would give.
    """
    groups: dict[int, list[int]] = {}
    for row in range(height - reach, reach, -1):
        for column in range(width - reach, reach, -1):
            groups.setdefault((height - row) * (reach + 1) + width - column, []).append(row * width + column)
    ordered = [groups[order] for order in sorted(groups)]
    return torch.tensor([pixel for group in ordered for pixel in group], dtype=torch.int64), [len(group) for group in ordered]


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
    order, sizes = fronts(height, width, reach)
    order = sent(order, x.device)
    source = torch.arange(height * width, device=x.device).expand(len(x), -1).clone()
    neighbour = (offsets[:, :, 1] * width + offsets[:, :, 0]).flatten(2)[:, :, order] + order
    for turn in neighbour.unbind(1):
        for here, there in zip(torch.split(order, sizes), torch.split(turn, sizes, dim=1), strict=True):
            source[:, here] = source.gather(1, there)
    return x.flatten(2).gather(2, source[:, None].expand(-1, x.shape[1], -1)).view_as(x)
