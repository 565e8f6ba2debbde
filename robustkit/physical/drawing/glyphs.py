"""Digits and the letters of road signs as strokes of our own, no font file.

A glyph is a list of lines in a box of height 1: the lines' middles, so that written glyphs reach half a stroke beyond.
"""

from __future__ import annotations

import numpy as np

from robustkit.physical.drawing.shapes import Point, Polygon, arc, polygon, stroke


def _join(*parts: Polygon) -> Polygon:
    return np.concatenate(parts)


def _turned(lines: list[Polygon], width: float) -> list[Polygon]:
    """The glyph upside down."""
    return [(width, 1) - line for line in lines]


_O = _join(arc((0.25, 0.25), (0.25, 0.25), 180, 360), arc((0.25, 0.75), (0.25, 0.25), 0, 180), polygon((0, 0.25)))
_SIX = [
    arc((0.25, 0.71), (0.25, 0.29), 0, 360),
    _join(arc((0.25, 0.25), (0.25, 0.25), 330, 180), polygon((0, 0.71))),
]

GLYPHS: dict[str, list[Polygon]] = {
    "0": [_O],
    "1": [polygon((0, 0.2), (0.2, 0), (0.2, 1))],
    "2": [_join(arc((0.25, 0.25), (0.25, 0.25), 190, 395), polygon((0, 1), (0.5, 1)))],
    "3": [
        _join(arc((0.25, 0.24), (0.25, 0.24), 200, 450), arc((0.25, 0.74), (0.27, 0.26), 270, 520)),
        polygon((0.16, 0.48), (0.25, 0.48)),
    ],
    "4": [polygon((0.4, 1), (0.4, 0), (0, 0.7), (0.52, 0.7))],
    "5": [_join(polygon((0.47, 0), (0.05, 0), (0.02, 0.46)), arc((0.24, 0.68), (0.27, 0.32), 235, 510))],
    "6": _SIX,
    "7": [polygon((0, 0), (0.5, 0), (0.2, 0.97))],
    "8": [arc((0.25, 0.24), (0.23, 0.24), 0, 360), arc((0.25, 0.74), (0.26, 0.26), 0, 360)],
    "9": _turned(_SIX, 0.5),
    "D": [
        polygon((0, 0), (0, 1)),
        _join(polygon((0, 0)), arc((0.2, 0.3), (0.3, 0.3), 270, 360), arc((0.2, 0.7), (0.3, 0.3), 0, 90), polygon((0, 1))),
    ],
    "E": [polygon((0, 0), (0, 1)), polygon((0, 0), (0.44, 0)), polygon((0, 0.5), (0.38, 0.5)), polygon((0, 1), (0.44, 1))],
    "I": [polygon((0, 0), (0, 1))],
    "L": [polygon((0, 0), (0, 1)), polygon((0, 1), (0.42, 1))],
    "M": [polygon((0, 1), (0, 0), (0.31, 0.65), (0.62, 0), (0.62, 1))],
    "O": [_O],
    "P": [polygon((0, 0), (0, 1)), _join(polygon((0, 0)), arc((0.24, 0.28), (0.26, 0.28), 270, 450), polygon((0, 0.56)))],
    "S": [_join(arc((0.25, 0.25), (0.25, 0.25), 335, 90), arc((0.25, 0.75), (0.25, 0.25), 270, 515))],
    "T": [polygon((0, 0), (0.54, 0)), polygon((0.27, 0), (0.27, 1))],
    "!": [polygon((0, 0), (0, 0.62)), polygon((0, 0.99), (0, 1))],
}


def write(text: str, height: float, centre: Point, *, weight: float = 0.16, spacing: float = 0.14) -> list[Polygon]:
    """A line of text as polygons.

    Parameters
    ----------
    text
        Characters of `GLYPHS`, and spaces.
    height
        Of the capital letters, outer edges, in cm.
    centre
        Of the text's box.
    weight, spacing
        Width of the strokes and of the gaps between glyphs, as shares of the height.
    """
    pen, scale = weight * height, (1 - weight) * height
    placed: list[tuple[float, list[Polygon]]] = []
    x = 0.0
    for character in text:
        lines = [] if character == " " else GLYPHS[character]
        placed.append((x, lines))
        x += (max(float(line[:, 0].max()) for line in lines) * scale if lines else 0.0) + pen + spacing * height
    left = centre[0] - (x - spacing * height) / 2 + pen / 2
    top = centre[1] - height / 2 + pen / 2
    return [part for at, lines in placed for line in lines for part in stroke(line * scale + (left + at, top), pen)]
