"""Polygons in the plane: area, self-intersection, and the share that they cover of each cell of a grid."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Points = tuple[tuple[float, float], ...]
Grid = npt.NDArray[np.float64]


def area(polygon: Points) -> float:
    """The area that a polygon encloses (the shoelace formula)."""
    x, y = np.asarray(polygon, dtype=np.float64).T
    return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)


def crosses_itself(polygon: Points) -> bool:
    """Whether two sides of a polygon that are not neighbours cross or touch."""
    start = np.asarray(polygon, dtype=np.float64)
    end = np.roll(start, -1, axis=0)
    count = len(start)
    apart = (np.arange(count)[:, None] - np.arange(count)) % count
    others = (apart > 1) & (apart < count - 1)
    # Side i separates or touches the ends of side j, and the reverse.
    divides = _turn(start[:, None], end[:, None], start) * _turn(start[:, None], end[:, None], end) <= 0
    boxes = np.all(
        (np.minimum(start, end)[:, None] <= np.maximum(start, end))
        & (np.minimum(start, end) <= np.maximum(start, end)[:, None]),
        -1,
    )
    return bool((divides & divides.T & boxes & others).any())


def _turn(a: Grid, b: Grid, c: Grid) -> Grid:
    """The sign of the turn from a by b to c: 1, -1, or 0 on a line."""
    turn = (b[..., 0] - a[..., 0]) * (c[..., 1] - a[..., 1]) - (b[..., 1] - a[..., 1]) * (c[..., 0] - a[..., 0])
    signs: Grid = np.sign(turn)
    return signs


def coverage(polygon: Points, size: tuple[float, float], shape: tuple[int, int]) -> Tensor:
    """The share of each cell of a grid that a polygon covers, exact to a millionth, float32 ``(1, h, w)``.

    Parameters
    ----------
    polygon
        In the units of `size`, relative to the grid's centre, y down; it may extend over the grid's edge.
    size
        Width and height of the grid.
    shape
        Rows and columns of the grid.
    """
    rows, columns = shape
    points = (np.asarray(polygon, dtype=np.float64) / size + 0.5) * (columns, rows)
    # The area of the polygon above and left of each crossing of grid lines (Green's theorem); its differences are the cells.
    y, x = np.mgrid[: rows + 1, : columns + 1].astype(np.float64)
    total = sum(_beside(start, end, x, y) for start, end in zip(points, np.roll(points, -1, axis=0), strict=True))
    cells = np.abs(np.diff(np.diff(total, axis=0), axis=1))
    return torch.from_numpy(cells.round(6)).float()[None]


def _beside(start: Grid, end: Grid, x: Grid, y: Grid) -> Grid:
    """The signed area between a side and the y axis where it is above `y`, the side being moved to `x` where it is right of it."""
    if start[1] == end[1]:
        return np.zeros_like(x)
    first, last = np.minimum(start[1], y), np.minimum(end[1], y)
    slope = (end[0] - start[0]) / (end[1] - start[1])
    left, right = start[0] + slope * (first - start[1]), start[0] + slope * (last - start[1])
    run = right - left
    steep = np.abs(run) < 1e-6
    # The mean of min(., x) along the side, from its integral, whose quotient loses its digits on a steep side.
    integral = [np.where(place < x, place**2 / 2, x * place - x**2 / 2) for place in (left, right)]
    mean = np.where(steep, np.minimum((left + right) / 2, x), (integral[1] - integral[0]) / np.where(steep, 1, run))
    area: Grid = mean * (last - first)
    return area
