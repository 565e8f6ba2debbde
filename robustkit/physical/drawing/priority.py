"""Signs that say who goes first: stop, yield, priority road."""

from __future__ import annotations

from robustkit.physical.drawing.colours import BLACK, RED, WHITE, YELLOW
from robustkit.physical.drawing.glyphs import write
from robustkit.physical.drawing.paint import Drawing
from robustkit.physical.drawing.shapes import regular, rounded


def stop() -> Drawing:
    """A red octagon, 75 cm wide, with a white rim and the word."""
    corner = 75 / 2 / 0.92388  # the corners of an octagon lie farther out than its sides, by 1 / cos 22.5°
    rim, red = regular(8, corner - 1, 22.5), regular(8, corner - 3, 22.5)
    word = write("STOP", 23.5, (0, 0), weight=0.17, spacing=0.1)
    return Drawing(regular(8, corner, 22.5), RED, ((WHITE, [rim]), (RED, [red]), (WHITE, word)))


def yield_() -> Drawing:
    """A white triangle on its tip with a red border, 90 cm wide."""
    edge, white = rounded(regular(3, 52, 90), 4), rounded(regular(3, 33, 90), 1.5)
    return Drawing(edge, RED, ((WHITE, [white]),))


def priority_road() -> Drawing:
    """A yellow square on its tip with a white border and a thin black line, 84 cm from tip to tip."""
    black, yellow = rounded(regular(4, 31, 0), 2), rounded(regular(4, 29, 0), 1.5)
    return Drawing(rounded(regular(4, 42, 0), 3), WHITE, ((BLACK, [black]), (YELLOW, [yellow])))
