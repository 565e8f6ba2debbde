"""Signs that command a direction: white arrows on a blue disc, 60 cm wide."""

from __future__ import annotations

import numpy as np

from robustkit.physical.drawing.colours import BLUE, WHITE
from robustkit.physical.drawing.paint import Drawing
from robustkit.physical.drawing.shapes import Polygon, arc, arrow, disc, polygon


def ahead_only() -> Drawing:
    """An arrow upwards."""
    return _arrow(polygon((0, 18), (0, -21)))


def turn_right() -> Drawing:
    """An arrow that bends to the right."""
    bend = np.concatenate([polygon((-8, 18)), arc((2, 0), (10, 10), 180, 270), polygon((19, -10))])
    return _arrow(bend)


def turn_left() -> Drawing:
    """An arrow that bends to the left."""
    bend = np.concatenate([polygon((8, 18)), arc((-2, 0), (10, 10), 360, 270), polygon((-19, -10))])
    return _arrow(bend)


def keep_right() -> Drawing:
    """An arrow down to the right."""
    return _arrow(polygon((-13, -13), (15, 15)))


def _arrow(path: Polygon) -> Drawing:
    return Drawing(disc(30), WHITE, ((BLUE, [disc(29)]), (WHITE, arrow(path, 6.5, 17))))
