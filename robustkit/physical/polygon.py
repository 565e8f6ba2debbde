"""Polygons in the plane: area, self-intersection, and the share that they cover of each cell of a grid."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from skimage.measure import grid_points_in_poly
from torch import Tensor

Points = tuple[tuple[float, float], ...]

#: Points tested along each side of a cell.
FINENESS = 8


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


def _turn(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64], c: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The sign of the turn from a by b to c: 1, -1, or 0 on a line."""
    turn = (b[..., 0] - a[..., 0]) * (c[..., 1] - a[..., 1]) - (b[..., 1] - a[..., 1]) * (c[..., 0] - a[..., 0])
    signs: npt.NDArray[np.float64] = np.sign(turn)
    return signs


def coverage(polygon: Points, size: tuple[float, float], shape: tuple[int, int]) -> Tensor:
    """The share of each cell that a polygon covers, float32 ``(1, h, w)``, accurate to about 1/64.

    Parameters
    ----------
    polygon
        In the units of `size`, relative to the grid's centre, y down.
    size
        Width and height of the grid.
    shape
        Rows and columns of the grid.
    """
    rows, columns = shape
    points = np.asarray(polygon, dtype=np.float64) / size + 0.5
    fine = points[:, ::-1] * (rows * FINENESS, columns * FINENESS) - 0.5
    labels = grid_points_in_poly((rows * FINENESS, columns * FINENESS), fine, binarize=False)
    inside = np.array([0, 1, 0.5, 0.5])[labels]  # outside, inside, on a vertex, on a side
    covered = inside.reshape(rows, FINENESS, columns, FINENESS).mean((1, 3))
    return torch.from_numpy(covered).float()[None]
