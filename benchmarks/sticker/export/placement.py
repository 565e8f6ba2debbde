"""The placement sheet: where on the sign each piece goes, drawn to a stated scale, with its distances from the sign's edges."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from robustkit.benchmarks.sticker.export.packing import Placed
from robustkit.benchmarks.sticker.export.page import CUT, INK, QUIET, lines, page, picture
from robustkit.benchmarks.sticker.export.paper import NARROWEST_MM, Box, Paper
from robustkit.benchmarks.sticker.export.parts import Part, dots_of
from robustkit.benchmarks.sticker.export.pieces import Piece
from robustkit.benchmarks.sticker.export.sheet import TEST_PIECE, dashed
from robustkit.physical.sign import Sign

Layout = Sequence[Sequence[Placed]]

NOTICE = (
    "Altering, covering or defacing a public road sign is illegal and dangerous: people can be killed.\n"
    "Put this on a sign of your own, on ground that is closed to traffic, and take it off afterwards."
)
#: Heights of the notice, of the drawing's heading, and of a row of the table.
NOTICE_MM, HEADING_MM, ROW_MM = 13.0, 9.0, 4.6
#: Room for the centimetres above the sign and on either side of it.
SCALE_MM = 9.0
#: The most rows beside the drawing of the sign.
FIRST_ROWS = 16
LABEL = {"boxstyle": "round,pad=0.2", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}
COLUMNS = ("piece", "left cm", "right cm", "top cm", "bottom cm", "size mm", "on sheet")
STOPS_MM = (0.0, 26.0, 48.0, 70.0, 92.0, 116.0, 156.0)


def offsets_cm(piece: Piece, sign: Sign) -> tuple[float, float, float, float]:
    """Distances of a piece's left, right, top and bottom edges from the same outermost edges of the sign."""
    left, top = piece.left_mm / 10, piece.top_mm / 10
    return left, sign.width_cm - left - piece.width_mm / 10, top, sign.height_cm - top - piece.height_mm / 10


def placement(paper: Paper, sign: Sign, pieces: Sequence[Piece], layout: Layout, title: str) -> list[Axes]:
    """Draw the sign with its pieces and the table of their offsets, which goes on over further sheets if it is long.

    Parameters
    ----------
    layout
        The parts on each sheet of the sticker.
    """
    where = sheets(layout)
    rows = [
        (
            piece.name,
            *(f"{each:.2f}" for each in offsets_cm(piece, sign)),
            f"{piece.width_mm:.1f} × {piece.height_mm:.1f}",
            where[piece.name],
        )
        for piece in pieces
    ]
    line = f"{TEST_PIECE} Offsets are measured from the sign's outermost edges, looking at its front."
    first = page(paper, title, line)
    area = paper.area
    _notice(first, area)
    table = area.bottom - ROW_MM * (1 + min(len(rows), FIRST_ROWS)) - 2
    top = area.top + NOTICE_MM + 3
    _draw(first, Box(area.left, top, area.width, table - 4 - top), sign, pieces, layout)
    _table(first, area.left, table, rows[:FIRST_ROWS])
    pages = [first]
    most = int(area.height // ROW_MM) - 2
    for start in range(FIRST_ROWS, len(rows), most):
        pages.append(page(paper, title, line))
        _table(pages[-1], area.left, area.top, rows[start : start + most])
    return pages


def sheets(layout: Layout) -> dict[str, str]:
    """The first and the last sheet of each piece, by its name."""
    found: dict[str, list[int]] = {}
    for number, placed in enumerate(layout, 1):
        for each in placed:
            found.setdefault(each.part.piece.name, []).append(number)
    return {name: str(on[0]) if on[0] == on[-1] else f"{on[0]} to {on[-1]}" for name, on in found.items()}


def _notice(axes: Axes, area: Box) -> None:
    frame = [
        (area.left, area.top),
        (area.right, area.top),
        (area.right, area.top + NOTICE_MM),
        (area.left, area.top + NOTICE_MM),
    ]
    lines(axes, [[*frame, frame[0]]], colour=CUT, width_mm=0.5)
    axes.text(area.left + 3, area.top + NOTICE_MM / 2, NOTICE, fontsize=9, fontweight="bold", va="center", linespacing=1.5)


def _draw(axes: Axes, box: Box, sign: Sign, pieces: Sequence[Piece], layout: Layout) -> None:
    """Draw the sign as large as a whole scale 1 : n allows, with centimetres along its top and left."""
    heading, box = box, Box(box.left, box.top + HEADING_MM, box.width, box.height - HEADING_MM)
    width_mm, height_mm = 10 * sign.width_cm, 10 * sign.height_cm
    scale = max(1, math.ceil(max(width_mm / (box.width - 2 * SCALE_MM), height_mm / (box.height - SCALE_MM)) - 1e-9))
    left = box.left + (box.width - width_mm / scale) / 2
    top = box.top + SCALE_MM + (box.height - SCALE_MM - height_mm / scale) / 2
    outline = (10 * np.array(sign.outline_cm) + (width_mm / 2, height_mm / 2)) / scale + (left, top)
    lines(axes, [np.concatenate([outline, outline[:1]])], colour=INK, width_mm=0.3)
    _centimetres(axes, left, top, sign, scale)
    tiled = {each.part.piece.name for placed in layout for each in placed if each.part.tile}
    for piece in pieces:
        _draw_piece(axes, piece, left, top, scale, labelled=piece.name not in tiled)
    for number, placed in enumerate(layout, 1):
        for each in placed:
            if each.part.tile:
                _draw_tile(axes, each.part, number, left, top, scale)
    axes.text(heading.left, heading.top, f"Scale 1 : {scale}", fontsize=10, fontweight="bold", va="top")
    size = f"The sign is {sign.width_cm:.4g} cm wide and {sign.height_cm:.4g} cm high."
    axes.text(heading.left, heading.top + 4.5, size, color=QUIET, va="top")


def _draw_piece(axes: Axes, piece: Piece, left: float, top: float, scale: int, *, labelled: bool) -> None:
    dots = dots_of(piece.pitch_mm[0] / scale), dots_of(piece.pitch_mm[1] / scale)
    rows, columns = piece.mask.shape
    whole = Part(piece, dots, (0, columns * dots[0]), (0, rows * dots[1]))
    x, y, width, height = (mm / scale for mm in (piece.left_mm, piece.top_mm, piece.width_mm, piece.height_mm))
    lines(axes, [loop / scale + np.array((left + x, top + y)) for loop in whole.outline_mm()], colour=CUT, width_mm=0.3)
    picture(axes, whole.image(), left + x, top + y, width, height)
    if not labelled:
        return
    if width > 4 + 1.5 * len(piece.name) and height > 6:
        axes.text(
            left + x + width / 2, top + y + height / 2, piece.name, fontsize=7, ha="center", va="center", bbox=LABEL, zorder=5
        )
    else:
        axes.text(left + x, top + y - 0.4, piece.name, fontsize=5, va="bottom", zorder=5)


def _draw_tile(axes: Axes, part: Part, sheet: int, left: float, top: float, scale: int) -> None:
    """Draw where the next tiles join, and the tile's name."""
    x = left + (part.piece.left_mm + part.across[0] * part.dot_mm[0]) / scale
    y = top + (part.piece.top_mm + part.down[0] * part.dot_mm[1]) / scale
    width, height = part.width_mm / scale, part.height_mm / scale
    right, below = part.joins_mm
    if right is not None:
        dashed(axes, (x + right / scale, y), (x + right / scale, y + height))
    if below is not None:
        dashed(axes, (x, y + below / scale), (x + width, y + below / scale))
    text = f"{part.name}\nsheet {sheet}"
    axes.text(x + width / 2, y + height / 2, text, fontsize=5, ha="center", va="center", bbox=LABEL, zorder=5)


def _centimetres(axes: Axes, left: float, top: float, sign: Sign, scale: int) -> None:
    """Draw scales of the sign's own centimetres, from its outermost edges."""
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if 10 * step / scale >= 8 or step == 1000)
    for cm in range(0, int(sign.width_cm) + 1, step):
        x = left + 10 * cm / scale
        lines(axes, [[(x, top - 3), (x, top - 1)]], colour=QUIET, width_mm=0.15)
        axes.text(x, top - 3.5, f"{cm}", fontsize=6, color=QUIET, ha="center", va="bottom")
    for cm in range(0, int(sign.height_cm) + 1, step):
        y = top + 10 * cm / scale
        lines(axes, [[(left - 3, y), (left - 1, y)]], colour=QUIET, width_mm=0.15)
        axes.text(left - 3.5, y, f"{cm}", fontsize=6, color=QUIET, ha="right", va="center")


def _table(axes: Axes, left: float, top: float, rows: Sequence[Sequence[str]]) -> None:
    for k, row in enumerate((COLUMNS, *rows)):
        y = top + ROW_MM * (k + 0.5)
        for stop, cell in zip(STOPS_MM, row, strict=True):
            axes.text(left + stop, y, cell, fontsize=8, fontweight="bold" if k == 0 else "normal", va="center")
        end = left + NARROWEST_MM
        lines(axes, [[(left, top + ROW_MM * (k + 1)), (end, top + ROW_MM * (k + 1))]], colour="#bbbbbb", width_mm=0.1)
