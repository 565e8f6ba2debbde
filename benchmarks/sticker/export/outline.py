"""The outline of a mask along the edges of its texels, as closed loops to cut along."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vertex = tuple[int, int]


def loops(mask: NDArray[np.bool_]) -> list[list[Vertex]]:
    """Closed loops of (x, y) corners around a mask, clockwise with y down; around a hole counterclockwise.

    Parameters
    ----------
    mask
        (h, w). Its texel in row r and column c covers x from c to c + 1 and y from r to r + 1.
    """
    inside = np.pad(mask, 1)
    following: dict[Vertex, list[Vertex]] = {}
    # The sides of a texel as steps with the texel on the right hand: its neighbour, the start and the step.
    for (down, across), (x, y), (dx, dy) in (
        ((-1, 0), (0, 0), (1, 0)),
        ((0, 1), (1, 0), (0, 1)),
        ((1, 0), (1, 1), (-1, 0)),
        ((0, -1), (0, 1), (0, -1)),
    ):
        border = inside & ~np.roll(inside, (-down, -across), (0, 1))
        for row, column in (np.argwhere(border) - 1).tolist():
            start = (column + x, row + y)
            following.setdefault(start, []).append((start[0] + dx, start[1] + dy))
    found = []
    while following:
        start = next(iter(following))
        loop: list[Vertex] = []
        at, step = start, (0, 0)
        while not loop or at != start:
            ahead = following[at]
            # Where two texels touch at a corner, the right turn stays with the same texel.
            turn = (at[0] - step[1], at[1] + step[0])
            after = turn if turn in ahead else ahead[0]
            ahead.remove(after)
            if not ahead:
                del following[at]
            loop.append(at)
            step, at = (after[0] - at[0], after[1] - at[1]), after
        found.append(_corners(loop))
    return found


def _corners(loop: list[Vertex]) -> list[Vertex]:
    """The vertices of a loop at which it turns."""
    around = zip(loop[-1:] + loop[:-1], loop, loop[1:] + loop[:1], strict=True)
    return [
        at for before, at, after in around if (at[0] - before[0], at[1] - before[1]) != (after[0] - at[0], after[1] - at[1])
    ]
