"""A sheet of parts at true size, each with its cut line and label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from robustkit.benchmarks.sticker.export.packing import GAP_MM, Placed
from robustkit.benchmarks.sticker.export.page import CUT, QUIET, lines, page, picture
from robustkit.benchmarks.sticker.export.paper import Paper

TEST_PIECE = "Test piece, not for public roads."
#: Half of a cut line lies below the sticker, so that what is seen of it is outside.
CUT_MM = 0.6
JOIN_MM = 0.4


def sheet(paper: Paper, title: str, placed: Sequence[Placed]) -> Axes:
    """Draw a sheet."""
    joins = ", and lay the next tile's edge on the dashed line" if any(each.part.tile for each in placed) else ""
    axes = page(paper, title, f"{TEST_PIECE} Cut inside the lines{joins}.")
    for each in placed:
        _draw(axes, each)
    return axes


def _draw(axes: Axes, placed: Placed) -> None:
    part, left, top = placed
    lines(axes, [loop + np.array((left, top)) for loop in part.outline_mm()], colour=CUT, width_mm=CUT_MM)
    picture(axes, part.image(), left, top, part.width_mm, part.height_mm)
    _draw_joins(axes, placed)
    axes.text(left, placed.bottom + GAP_MM, part.name, fontsize=7, fontweight="bold", va="top")
    size = f"{part.width_mm:.1f} × {part.height_mm:.1f} mm"
    axes.text(left, placed.bottom + GAP_MM + 3, size, fontsize=7, color=QUIET, va="top")


def _draw_joins(axes: Axes, placed: Placed) -> None:
    """Dashed lines on which the next tiles' edges are laid, inside the overlap, where those tiles cover them."""
    part, left, top = placed
    right, below = part.joins_mm
    inside = JOIN_MM / 2
    if right is not None:
        x = left + right + inside
        dashed(axes, (x, top - GAP_MM), (x, placed.bottom + GAP_MM))
    if below is not None:
        y = top + below + inside
        dashed(axes, (left - GAP_MM, y), (placed.right + GAP_MM, y))


def dashed(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw a line that shows on every colour."""
    lines(axes, [[start, end]], colour="#ffffff", width_mm=JOIN_MM, zorder=4)
    lines(axes, [[start, end]], colour=CUT, width_mm=JOIN_MM, style=(0, (4, 4)), zorder=4)
