"""Signs that warn or point out: danger, pedestrian crossing."""

from __future__ import annotations

from robustkit.physical.drawing.colours import BLACK, BLUE, RED, WHITE
from robustkit.physical.drawing.glyphs import write
from robustkit.physical.drawing.paint import Drawing
from robustkit.physical.drawing.shapes import disc, polygon, rectangle, regular, rounded, stroke


def danger() -> Drawing:
    """A white triangle with a red border and an exclamation mark, 90 cm wide."""
    edge, white = rounded(regular(3, 52, 270), 4), rounded(regular(3, 36, 270), 1.5)
    return Drawing(edge, RED, ((WHITE, [white]), (BLACK, write("!", 30, (0, -2), weight=0.2))))


def pedestrian_crossing() -> Drawing:
    """A blue square with a person on a crossing in a white triangle, 60 cm wide."""
    triangle = rounded(polygon((0, -25), (25, 20), (-25, 20)), 1.5)
    stripes = [rectangle(4, 4, (x, 17)) for x in (-16, -8, 0, 8, 16)]
    person = [
        disc(2.8, (1, -11)),
        *stroke([(0.5, -5), (0, 3)], 4.5),
        *stroke([(0, 3), (3.5, 8), (6, 13)], 2.6),
        *stroke([(0, 3), (-3, 8), (-7, 12)], 2.6),
        *stroke([(0.5, -5.5), (5, -2), (7, 2)], 2),
        *stroke([(0.5, -5.5), (-4, -2), (-6, 2)], 2),
    ]
    return Drawing(rounded(rectangle(60, 60), 3), BLUE, ((WHITE, [triangle]), (BLACK, stripes + person)))
