"""Checks whether one square or circle covers all marked pixels of an image."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from robustkit.crossing import constant

#: Tolerance in pixels for rounding.
SLACK = 1e-6


def covered_by_square(marked: Tensor, area: float, centred: bool) -> Tensor:
    """Whether a square of this area, at some rotation, covers the centres of the marked pixels of each image.

    Enough angles are tried that no square with a side smaller by one pixel is missed.

    Parameters
    ----------
    marked
        Bool ``(B, H, W)``.
    area
        In pixels.
    centred
        Whether the square must be centred in the image; otherwise it may be anywhere.

    Returns
    -------
    Bool ``(B,)``; true if no pixel is marked.
    """
    points, known = outline(marked)
    side = math.sqrt(area) + SLACK
    count = max(8, math.ceil(side))
    needed = torch.full_like(points[:, 0, 0], torch.inf)
    for k in range(count):
        angle = math.pi / 2 * k / count
        cos, sin = math.cos(angle), math.sin(angle)
        axes = points @ constant([[cos, -sin], [sin, cos]], points)
        most = axes.masked_fill(~known[..., None], -torch.inf).amax(1)
        least = axes.masked_fill(~known[..., None], torch.inf).amin(1)
        extent = 2 * torch.maximum(most, -least) if centred else most - least
        needed = torch.minimum(needed, extent.amax(1))
    return needed <= side


def covered_by_circle(marked: Tensor, area: float, centred: bool) -> Tensor:
    """As `covered_by_square`, for a circle. If it may be anywhere, its centre is found by steps towards the farthest pixel.

    References
    ----------
    Badoiu and Clarkson, Smaller core-sets for balls, SODA 2003: after i steps the relative error of the radius is at most
    i^-1/2, and far less in practice.
    """
    points, known = outline(marked)
    radius = math.sqrt(area / math.pi) + SLACK
    middle = torch.zeros_like(points[:, 0])
    least = torch.full_like(middle[:, 0], torch.inf)
    for step in range(1 if centred else 500):
        distance = (points - middle[:, None]).square().sum(2).masked_fill(~known, -torch.inf)
        farthest, index = distance.max(1)
        least = torch.minimum(least, farthest)
        if bool((least <= radius**2).all()):
            break
        towards = points.gather(1, index[:, None, None].expand(-1, 1, 2)).squeeze(1)
        middle = middle + (towards - middle) / (step + 2)
    return least <= radius**2


def outline(marked: Tensor) -> tuple[Tensor, Tensor]:
    """The first and the last marked pixel of each row, which have the same convex hull as all marked pixels.

    Returns
    -------
    Their centres as (x, y) in pixels from the image's centre, float64 ``(B, 2 * H, 2)``, and which of them exist, bool
    ``(B, 2 * H)``.
    """
    count, height, width = marked.shape
    first, last = marked.int().argmax(2), width - 1 - marked.flip(2).int().argmax(2)
    columns = torch.cat([first, last], dim=1).double() - (width - 1) / 2
    rows = torch.arange(height, dtype=torch.float64, device=marked.device).repeat(2) - (height - 1) / 2
    return torch.stack([columns, rows.expand(count, -1)], dim=2), marked.any(2).repeat(1, 2)
