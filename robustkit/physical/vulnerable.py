"""The places where a model is most vulnerable to a sticker: RP2's first stage.

References
----------
Eykholt et al., Robust Physical-World Attacks on Deep Learning Models, arXiv 1707.08945, section 3.2.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from robustkit.errors import UsageError, brief
from robustkit.physical.sign import Sign

Rectangle = tuple[float, float, float, float]


def vulnerable_boxes(
    magnitude: Tensor, sign: Sign, *, area_share: float, count: int = 2, aspects: tuple[float, ...] = (0.5, 1.0, 2.0)
) -> tuple[Rectangle, ...]:
    """Boxes of equal area where a perturbation of the whole sign is largest, the best first.

    Each box in turn is the one with the largest sum of all that lie within the outline and overlap none before it.

    Parameters
    ----------
    magnitude
        Size of an L1-sparse perturbation over the sign's bounding box, ``(h, w)``, none below 0.
    sign
        The sign.
    area_share
        Share of the sign's area of all boxes together; texels that do not fit are left out.
    count
        The number of boxes.
    aspects
        Allowed ratios of width to height.

    Returns
    -------
    Rectangles (left, top, width, height) in cm, for `robustkit.physical.masks.from_rectangles`.

    Raises
    ------
    UsageError
        If the settings are out of range, a box is smaller than a texel, or the boxes do not fit.
    """
    if magnitude.ndim != 2 or not bool((magnitude >= 0).all()):
        raise UsageError(f"magnitude of shape {tuple(magnitude.shape)} must be a map (h, w) of numbers from 0")
    if not 0 < area_share < 1 or count < 1 or not aspects or min(aspects) <= 0:
        raise UsageError(
            f"area_share={brief(area_share)}, count={brief(count)} and aspects={brief(aspects)} must be a share between 0 and 1, at "
            "least one box, and ratios above 0"
        )
    rows, columns = magnitude.shape
    down_cm, across_cm = sign.height_cm / rows, sign.width_cm / columns
    box_cm2 = area_share * sign.area_cm2 / count
    sizes = sorted({_texels(box_cm2, aspect, down_cm, across_cm) for aspect in aspects} - {(0, 0)})
    if not sizes:
        raise UsageError(
            f"area_share={area_share:g} in {count} boxes is {box_cm2:.3g} cm² each, less than a texel of the map, "
            f"{down_cm * across_cm:.3g} cm²: give a larger share or fewer boxes"
        )
    total = _integral(magnitude.double().cpu().numpy())
    free = (sign.coverage((rows, columns))[0] == 1).numpy()
    boxes: list[Rectangle] = []
    for number in range(count):
        taken = _integral(~free)
        value, top, left, height, width = max(_best(total, taken, size) for size in sizes)
        if value < 0:
            raise UsageError(
                f"only {number} of {count} boxes of {box_cm2:.3g} cm² each fit on the sign {sign.name!r}: give a smaller area_share or "
                "another number of boxes"
            )
        free[top : top + height, left : left + width] = False
        x, y = left * across_cm - sign.width_cm / 2, top * down_cm - sign.height_cm / 2
        boxes.append((x, y, width * across_cm, height * down_cm))
    return tuple(boxes)


def _texels(area_cm2: float, aspect: float, down_cm: float, across_cm: float) -> tuple[int, int]:
    """Rows and columns of about this ratio whose area is at most this, or (0, 0)."""
    rows = max(1, round(math.sqrt(area_cm2 / aspect) / down_cm))
    columns = math.floor(area_cm2 / (rows * down_cm * across_cm) * (1 + 1e-9))
    return (rows, columns) if columns else (0, 0)


def _integral(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """The sums of all rectangles that start in the first row and column, with a border of zeros."""
    return np.pad(values.astype(np.float64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))


def _best(
    total: npt.NDArray[np.float64], taken: npt.NDArray[np.float64], size: tuple[int, int]
) -> tuple[float, int, int, int, int]:
    """The largest sum of a box of this size where nothing is taken, its top, left, rows and columns; the sum is -1 if none is free."""
    rows, columns = size
    if rows >= total.shape[0] or columns >= total.shape[1]:
        return -1.0, 0, 0, rows, columns
    sums, blocked = (
        table[rows:, columns:] - table[:-rows, columns:] - table[rows:, :-columns] + table[:-rows, :-columns]
        for table in (total, taken)
    )
    sums = np.where(blocked > 0.5, -1.0, sums.clip(min=0))
    top, left = np.unravel_index(sums.argmax(), sums.shape)
    return float(sums[top, left]), int(top), int(left), rows, columns
