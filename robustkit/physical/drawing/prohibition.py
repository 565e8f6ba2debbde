"""Signs that forbid: no entry, speed limits, no overtaking, no stopping."""

from __future__ import annotations

from robustkit.physical.drawing.colours import BLACK, BLUE, RED, WHITE
from robustkit.physical.drawing.glyphs import write
from robustkit.physical.drawing.paint import Drawing, Layer
from robustkit.physical.drawing.shapes import Point, Polygon, disc, polygon, rectangle, rounded, stroke


def no_entry() -> Drawing:
    """A red disc with a white bar, 60 cm wide."""
    return Drawing(disc(30), WHITE, ((RED, [disc(29)]), (WHITE, [rounded(rectangle(46, 11), 1)])))


def speed_limit(limit: int) -> Drawing:
    """Black digits in a red ring, 60 cm wide."""
    return _ringed((BLACK, write(str(limit), 26, (0, 0), weight=0.19, spacing=0.14)))


def speed_limit_in_words(limit: int) -> Drawing:
    """A white plate, 60 cm x 75 cm, with two words above the digits."""
    frame, white = rounded(rectangle(58, 73), 3), rounded(rectangle(55.6, 70.6), 2.4)
    text = [
        *write("SPEED", 11, (0, -25), weight=0.18),
        *write("LIMIT", 11, (0, -9), weight=0.18),
        *write(str(limit), 29, (0, 17.5), weight=0.18),
    ]
    return Drawing(rounded(rectangle(60, 75), 4), WHITE, ((BLACK, [frame]), (WHITE, [white]), (BLACK, text)))


def no_overtaking() -> Drawing:
    """A red car beside a black one in a red ring, 60 cm wide."""
    return _ringed((RED, _car((-10, 0))), (BLACK, _car((10, 0))))


def no_stopping() -> Drawing:
    """A blue disc with a red ring and a red cross, 60 cm wide."""
    cross = [*stroke([(-16, -16), (16, 16)], 5.5), *stroke([(-16, 16), (16, -16)], 5.5)]
    return Drawing(disc(30), RED, ((BLUE, [disc(24)]), (RED, cross)))


def _ringed(*layers: Layer) -> Drawing:
    return Drawing(disc(30), WHITE, ((RED, [disc(29.4)]), (WHITE, [disc(22.5)]), *layers))


def _car(centre: Point) -> list[Polygon]:
    """A car from behind, 17 cm wide."""
    cabin = polygon((-5.5, -9), (5.5, -9), (7.5, -2), (-7.5, -2))
    wheels = [rectangle(3.6, 5, (x, 6)) for x in (-6, 6)]
    return [part + centre for part in (cabin, rounded(rectangle(17, 8, (0, 1)), 1.5), *wheels)]
