"""Polygons in a picture as arrays of corners ``(n, 2)``, x to the right and y down: area, sides, and lines that meet."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def cross(a: Array, b: Array) -> Array:
    """The z component of the cross product of vectors ``(…, 2)``."""
    return np.asarray(a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0])


def area(polygon: Array) -> float:
    """The area within a polygon."""
    return abs(_signed_area(polygon))


def size(polygon: Array) -> float:
    """The side of the square of a polygon's area."""
    return math.sqrt(area(polygon))


def clockwise(polygon: Array) -> Array:
    """The corners in the order that is clockwise as seen."""
    return polygon if _signed_area(polygon) > 0 else polygon[::-1]


def convex(polygon: Array) -> bool:
    """Whether a clockwise polygon is convex."""
    edges = np.roll(polygon, -1, axis=0) - polygon
    return bool((cross(edges, np.roll(edges, -1, axis=0)) > 0).all())


def sides(polygon: Array) -> Iterator[tuple[Array, Array]]:
    """The two ends of each side."""
    return zip(polygon, np.roll(polygon, -1, axis=0), strict=True)


def normal(start: Array, end: Array) -> Array:
    """The unit vector out of a clockwise polygon at one of its sides."""
    along = (end - start) / np.linalg.norm(end - start)
    return np.array([along[1], -along[0]])


def fitted_line(points: Array, along: Array) -> tuple[Array, Array]:
    """A point and the direction, as that of `along`, of the line through most of some points; those far from it are left out."""
    kept = points
    for _ in range(3):
        centre = kept.mean(0)
        direction = np.linalg.svd(kept - centre)[2][0]
        off = np.abs(cross(direction, points - centre))
        kept = points[off <= max(0.5, 2 * float(np.median(off)))]
    return centre, direction if direction @ along > 0 else -direction


def meeting(lines: Sequence[tuple[Array, Array]]) -> Array | None:
    """The convex polygon whose sides lie on lines, each a point and a direction; None if there is none."""
    corners = []
    for (a, along), (b, beside) in zip([lines[-1], *lines], lines, strict=False):
        turn = float(cross(along, beside))
        if abs(turn) < 0.05 * float(np.linalg.norm(along) * np.linalg.norm(beside)):
            return None
        corners.append(a + along * cross(b - a, beside) / turn)
    found = np.array(corners)
    return found if convex(found) else None


def _signed_area(polygon: Array) -> float:
    return float(cross(polygon, np.roll(polygon, -1, axis=0)).sum() / 2)
