"""The pixel shuffling of frosted glass: pixels are replaced by neighbours, one after another."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from robustkit.crossing import sent


@cache
def fronts(height: int, width: int, reach: int) -> tuple[Tensor, list[int]]:
    """The pixels (as flat indices) from the last to the first, and the sizes of groups that can be processed at once.

    The pixels of a group are too far apart to affect each other, so processing them at once gives the same result as one
    at a time.
    """
    groups: dict[int, list[int]] = {}
    for row in range(height - reach, reach, -1):
        for column in range(width - reach, reach, -1):
            groups.setdefault((height - row) * (reach + 1) + width - column, []).append(row * width + column)
    ordered = [groups[order] for order in sorted(groups)]
    return torch.tensor([pixel for group in ordered for pixel in group], dtype=torch.int64), [len(group) for group in ordered]


def disorder(x: Tensor, reach: int, offsets: Tensor) -> Tensor:
    """The images after replacing each pixel, from the last to the first, by the current colour of a neighbour.

    The published code does the same on colour images: its swap is a copy, because both sides are views.

    Parameters
    ----------
    x
        ``(B, C, H, W)``.
    reach
        Maximum offset of a neighbour.
    offsets
        ``(B, T, 2, H, W)`` integers in [-reach, reach): offset of each pixel's neighbour, right and down, in T rounds.
    """
    height, width = x.shape[-2:]
    order, sizes = fronts(height, width, reach)
    order = sent(order, x.device)
    source = torch.arange(height * width, device=x.device).expand(len(x), -1).clone()
    neighbour = (offsets[:, :, 1] * width + offsets[:, :, 0]).flatten(2)[:, :, order] + order
    for one in neighbour.unbind(1):
        for here, there in zip(torch.split(order, sizes), torch.split(one, sizes, dim=1), strict=True):
            source[:, here] = source.gather(1, there)
    return x.flatten(2).gather(2, source[:, None].expand(-1, x.shape[1], -1)).view_as(x)
