"""Polygons in centimetres, x to the right and y downwards: the vocabulary in which signs are drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Polygon = NDArray[np.float64]  #: corners (n, 2)
Point = tuple[float, float]


def polygon(*corners: Point) -> Polygon:
    """A polygon from its corners."""
    return np.array(corners, dtype=np.float64)


def arc(centre: Point, radii: Point, start_deg: float, stop_deg: float, step_deg: float = 6) -> Polygon:
    """Points of an elliptic arc, at most `step_deg` apart; 0 degrees points to the right, 90 downwards."""
    steps = max(1, math.ceil(abs(stop_deg - start_deg) / step_deg - 1e-9))
    angles = np.radians(np.linspace(start_deg, stop_deg, steps + 1))
    return np.stack([centre[0] + radii[0] * np.cos(angles), centre[1] + radii[1] * np.sin(angles)], axis=1)


def regular(sides: int, radius: float, first_deg: float) -> Polygon:
    """A regular polygon around the origin; `radius` is that of its corners, the first of which lies at `first_deg`."""
    return arc((0, 0), (radius, radius), first_deg, first_deg + 360, 360 / sides)[:-1]


def disc(radius: float, centre: Point = (0, 0)) -> Polygon:
    """A disc, as a polygon of sixty corners."""
    return regular(60, radius, 0) + centre


def rectangle(width: float, height: float, centre: Point = (0, 0)) -> Polygon:
    """An upright rectangle."""
    x, y = width / 2, height / 2
    return polygon((-x, -y), (x, -y), (x, y), (-x, y)) + centre


def rounded(corners: Polygon, radius: float) -> Polygon:
    """A convex polygon whose corners are rounded by circles of this radius."""
    before, after = np.roll(corners, 1, axis=0) - corners, np.roll(corners, -1, axis=0) - corners
    before /= np.linalg.norm(before, axis=1, keepdims=True)
    after /= np.linalg.norm(after, axis=1, keepdims=True)
    half = np.arccos((before * after).sum(1)) / 2
    inward = before + after
    centres = corners + inward / np.linalg.norm(inward, axis=1, keepdims=True) * (radius / np.sin(half))[:, None]
    parts = []
    for corner, centre, back, opening in zip(corners, centres, before, half, strict=True):
        touch = corner + back * radius / math.tan(opening) - centre
        start = math.degrees(math.atan2(touch[1], touch[0]))
        sweep = 180 - 2 * math.degrees(opening)
        parts.append(arc((centre[0], centre[1]), (radius, radius), start, start + sweep))
    return np.concatenate(parts)


def stroke(points: Sequence[Point] | Polygon, width: float) -> list[Polygon]:
    """A line of this width through the points, as polygons.

    Joints are round. The ends are square, half a width beyond the points, but for a closed line, which has a joint there.
    """
    path = np.asarray(points, dtype=np.float64)
    path = path[np.r_[True, np.abs(np.diff(path, axis=0)).max(1) > 1e-9]]
    closed = bool(np.allclose(path[0], path[-1]))
    joints = [disc(width / 2, (x, y)) for x, y in (path[1:] if closed else path[1:-1])]
    steps = np.diff(path, axis=0)
    along = steps / np.linalg.norm(steps, axis=1, keepdims=True) * width / 2
    starts, ends = path[:-1].copy(), path[1:].copy()
    if not closed:
        starts[0] -= along[0]
        ends[-1] += along[-1]
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    bars = np.stack([starts + across, ends + across, ends - across, starts - across], axis=1)
    return [*bars, *joints]


def arrow(points: Sequence[Point] | Polygon, width: float, head: float) -> list[Polygon]:
    """A line of this width that ends in a triangle, `head` wide and 0.8 times as long, whose tip is the last point."""
    path = np.array(points, dtype=np.float64)
    forward = (path[-1] - path[-2]) / np.linalg.norm(path[-1] - path[-2])
    aside = np.array([-forward[1], forward[0]]) * head / 2
    tip, neck = path[-1].copy(), path[-1] - forward * head * 0.8
    path[-1] = neck + forward * (0.1 * head - width / 2)  # the line's square end reaches a little into the head
    return [*stroke(path, width), np.stack([tip, neck + aside, neck - aside])]
