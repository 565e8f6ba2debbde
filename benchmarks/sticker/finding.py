"""Find a polygonal sign in a photo by its outline alone, whatever its colours.

The curves along which a photo has the same lightness or colour (level lines: Desolneux, Moisan and Morel, Edge detection by
Helmholtz principle, 2001, doi:10.1023/A:1011290230196) follow the outline of anything that differs from its surroundings. Those
that are a convex polygon of the right number of sides, as an upright sign has it in some view, are candidates, and the one that
most level lines follow is the sign.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage
from skimage.measure import approximate_polygon, find_contours
from torch import Tensor
from torch.nn import functional

from robustkit.benchmarks.sticker.edges import Edges
from robustkit.benchmarks.sticker.polygons import (
    Array,
    area,
    clockwise,
    convex,
    cross,
    fitted_line,
    meeting,
    normal,
    sides,
    size,
)
from robustkit.benchmarks.sticker.view import corners_in, plausible, roll_deg, views
from robustkit.colour import srgb_to_lab
from robustkit.physical.sign import Sign

#: The longer side of the reduced photo in which level lines are followed, and the smallest sign that is found there.
WORK_PX, LEAST_PX = 640, 14
#: Level lines of each channel.
LEVELS = 12
#: More sides than that are a curve.
MOST_SIDES = 12
#: The outermost points of a level line in these directions stand for its convex hull.
DIRECTIONS = np.stack([trig(np.linspace(0, 2 * np.pi, 120, endpoint=False)) for trig in (np.cos, np.sin)])
#: Least share of a level line's convex hull that it encloses.
SOLIDITY = 0.85
#: Polygons whose corners are nearer than that, relative to their size, are one.
SAME = 0.06
#: A second outline elsewhere leaves the choice open if so many times the level lines of the first follow it.
AMBIGUOUS = 0.7
#: The widest border of a sign of which only the inner edge was found, relative to its size.
BORDER = 0.1
#: The outer edge of a border may be so many times fainter than its inner edge.
FAINT = 0.15


@dataclass(frozen=True)
class Found:
    """A sign in a photo: the homography from cm to pixels, ``(3, 3)``, and the corners of its outline in pixels, ``(n, 2)``."""

    homography: Tensor
    corners_px: Tensor


@dataclass(frozen=True)
class NotFound:
    """Why no sign was found, as a clause."""

    reason: str


@dataclass(frozen=True)
class _Candidate:
    """A view of the sign in the reduced photo, whose outline `levels` level lines follow."""

    homography: Tensor
    corners: Array
    levels: int

    @property
    def size(self) -> float:
        return size(self.corners)

    @property
    def centre(self) -> Array:
        return np.asarray(self.corners.mean(0))

    def surrounds(self, other: _Candidate) -> bool:
        """Whether this is the same shape as another inside it, such as the outer edge of a sign's border."""
        scale = self.size / other.size
        grown = self.centre + scale * (other.corners - other.centre)
        return 1 < scale < 3 and bool(np.abs(grown - self.corners).max() < 2 * SAME * self.size)


def find_sign(photo: Tensor, sign: Sign) -> Found | NotFound:
    """Where a sign is in a photo, to a fraction of a pixel, or why it is not found.

    The sign must be whole, upright within 25 degrees, and differ from what is behind it. The perspective of a triangle cannot be
    told from its three corners: it is taken to be seen from far away.

    Parameters
    ----------
    photo
        sRGB in [0, 1], ``(3, H, W)``.
    sign
        A convex polygon of at most 12 sides.
    """
    outline = clockwise(np.asarray(sign.outline_cm))
    if len(outline) > MOST_SIDES or not convex(outline):
        return NotFound(f"the outline of {sign.name} is not a convex polygon of at most {MOST_SIDES} sides")
    reduction = max(1, math.ceil(max(photo.shape[1:]) / WORK_PX))
    reduced = functional.avg_pool2d(photo[None], reduction, ceil_mode=True, count_include_pad=False)[0]
    lab = srgb_to_lab(reduced).double().numpy()
    edges = Edges(lab)
    polygons = [polygon for line in _level_lines(lab) if (polygon := _polygon(line, len(outline))) is not None]
    candidates = [found for group in _groups(polygons) if (found := _candidate(group, outline, edges)) is not None]
    if not candidates:
        return NotFound(f"nothing in it has the outline of {sign.name}, whole and upright")
    best = max(candidates, key=lambda each: (each.levels, each.size))
    apart = [each for each in candidates if np.linalg.norm(each.centre - best.centre) > best.size / 2]
    if any(each.levels >= AMBIGUOUS * best.levels for each in apart):
        return NotFound(f"more than one thing in it has the outline of {sign.name}")
    outer = max((each for each in candidates if each.surrounds(best)), key=lambda each: each.size, default=best)
    to_photo = torch.diag(torch.tensor([reduction, reduction, 1.0], dtype=torch.float64))
    return _refined(photo, outline, to_photo @ _grown(outer.homography, outline, edges))


def _level_lines(channels: Array) -> Iterator[Array]:
    """The points (x, y) of each curve on which a channel has one of some levels, if it is large enough for a sign."""
    for channel in channels:
        smooth = ndimage.gaussian_filter(channel, 1)
        low, high = np.percentile(smooth, [1, 99])
        for level in np.linspace(low, high, LEVELS + 2)[1:-1] if high > low + 1 else ():
            for line in find_contours(smooth, level):  # type: ignore[no-untyped-call]
                if len(line) > 3 * LEAST_PX and np.ptp(line, axis=0).max() > LEAST_PX:
                    yield line[:, ::-1] + 0.5


def _polygon(line: Array, count: int) -> Array | None:
    """The convex polygon with so many corners along a curve, clockwise; its corners are where its sides would meet."""
    hull = line[np.unique((line @ DIRECTIONS).argmax(0))]
    hull = hull[np.argsort(np.arctan2(*(hull - hull.mean(0)).T[::-1]))]
    if len(hull) < count or area(line) < SOLIDITY * area(hull):
        return None
    start = int(np.linalg.norm(hull - hull.mean(0), axis=1).argmax())
    ring = np.concatenate([hull[start:], hull[: start + 1]])
    low, high = 0.01, 0.15
    for _ in range(6):  # a larger tolerance leaves fewer corners
        tolerance = (low * high) ** 0.5
        corners = approximate_polygon(ring, tolerance * size(hull))[:-1]  # type: ignore[no-untyped-call]
        if len(corners) == count:
            return _sides_met(clockwise(corners), line)
        low, high = (tolerance, high) if len(corners) > count else (low, tolerance)
    return None


def _sides_met(corners: Array, points: Array) -> Array | None:
    """The corners where lines fitted to the points along each side meet, for real signs have rounded corners."""
    lines = []
    for start, end in sides(corners):
        length = float(np.linalg.norm(end - start))
        along = (end - start) / length
        forward, aside = (points - start) @ along, cross(along, points - start)
        near = points[(np.abs(forward / length - 0.5) < 0.38) & (np.abs(aside) < 0.06 * length + 1.5)]
        lines.append(fitted_line(near, along) if len(near) > 2 else (start, along))
    return meeting(lines)


def _groups(polygons: list[Array]) -> list[list[Array]]:
    """Polygons that are nearly the same, each listed from the same corner."""
    groups: list[list[Array]] = []
    for polygon in polygons:
        turns = np.stack([np.roll(polygon, turn, axis=0) for turn in range(len(polygon))])
        for group in groups:
            apart = np.abs(turns - group[0]).max((1, 2))
            if apart.min() < SAME * size(group[0]):
                group.append(turns[apart.argmin()])
                break
        else:
            groups.append([polygon])
    return groups


def _candidate(group: list[Array], outline: Array, edges: Edges) -> _Candidate | None:
    """The view whose outline is the median of some polygons, if it is plausible and lies on edges of the photo."""
    homography = _view(np.median(group, axis=0), outline)
    if homography is None:
        return None
    corners = corners_in(homography, outline)
    return _Candidate(homography, corners, len(group)) if edges.support(corners) else None


def _view(corners: Array, outline: Array) -> Tensor | None:
    """The most upright of the plausible views of an outline that has these corners; None if there is none."""
    seen = [view for view in views(corners, outline) if plausible(view, outline)]
    return min(seen, key=lambda view: abs(roll_deg(view, outline)), default=None)


def _grown(homography: Tensor, outline: Array, edges: Edges) -> Tensor:
    """The view of the outline on the outermost edge around the sign, for the inner edge of its border may be the stronger."""
    scale = size(outline)
    rings = [
        meeting([(start + growth * scale * normal(start, end), end - start) for start, end in sides(outline)])
        for growth in np.arange(-0.01, BORDER, 0.005)
    ]
    corners = [corners_in(homography, ring) for ring in rings if ring is not None]
    slope = np.array([edges.slope(ring) for ring in corners])
    for k in range(len(corners) - 2, 0, -1):
        if slope[k - 1] <= slope[k] >= slope[k + 1] and slope[k] > FAINT * slope.max() and edges.support(corners[k]):
            view = _view(corners[k], outline)
            return homography if view is None else view
    return homography


def _refined(photo: Tensor, outline: Array, homography: Tensor) -> Found:
    """The view whose outline lies on the edges nearest to that of a given view, in the full photo."""
    corners = corners_in(homography, outline)
    reach = max(1.5, 0.01 * size(corners))
    low = np.maximum(np.floor(corners.min(0) - 8 * reach).astype(int), 0)
    high = np.maximum(np.ceil(corners.max(0) + 8 * reach).astype(int), low + 1)
    edges = Edges(srgb_to_lab(photo[:, low[1] : high[1], low[0] : high[0]]).double().numpy())
    met = meeting([edges.line(start, end, reach) for start, end in sides(corners - low)])
    view = None if met is None else _view(met + low, outline)
    homography = homography if view is None else view
    return Found(homography, torch.from_numpy(corners_in(homography, outline)))
