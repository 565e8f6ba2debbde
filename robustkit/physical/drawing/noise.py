"""Smooth random textures: value noise on grids of growing fineness."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from robustkit.rng import SampleRandom


def noise(
    random: SampleRandom, ids: Tensor, size_px: tuple[int, int], cells: tuple[int, int], *, octaves: int = 1, stream: str
) -> Tensor:
    """One texture for each id, around 0 and mostly within -1 to 1, ``(B, 1, H, W)``.

    Parameters
    ----------
    size_px
        Height and width.
    cells
        Rows and columns of the coarsest grid. Each further octave has twice as many and half the amplitude.
    stream
        The name of the draws.
    """
    total = torch.zeros(len(ids), 1, *size_px)
    for octave in range(octaves):
        grid = (1, cells[0] * 2**octave + 1, cells[1] * 2**octave + 1)
        values = 2 * random.uniform(ids, grid, stream=f"{stream} {octave}") - 1
        total += functional.interpolate(values, size_px, mode="bicubic", align_corners=True) / 2**octave
    return total
