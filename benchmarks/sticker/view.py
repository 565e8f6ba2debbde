"""How a sign is seen whose outline has given corners in a photo."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from robustkit.benchmarks.sticker.polygons import Array, clockwise, convex, cross, size
from robustkit.errors import UsageError, brief
from robustkit.physical.pose import homography_from_corners, project
from robustkit.physical.sign import Sign

#: Largest error of a corner under the best homography, relative to the sign's size in the photo.
CORNER_ERROR = 0.05
#: Largest roll, and the range of the ratio of the scales along the sign's axes: 0.3 is a yaw of 73 degrees.
MOST_ROLL_DEG, ASPECTS = 25.0, (0.3, 1.2)
#: Smallest angle between the sign's axes in the photo.
LEAST_ANGLE_DEG = 55.0


def view_of_corners(corners_px: Sequence[tuple[float, float]], sign: Sign) -> Tensor:
    """The homography from cm on a sign to pixels, ``(3, 3)``, in a photo with known corners.

    Of the views that a regular sign allows it is the most upright. A triangle's perspective cannot be told from its three corners:
    it is taken to be seen from far away.

    Parameters
    ----------
    corners_px
        The corners of the sign's outline in order; or, of another sign than a quadrilateral, the four corners of the box around
        it, from the top left clockwise.

    Raises
    ------
    UsageError
        If there are neither as many corners as the outline has nor four, or they are not those of the sign in any view.
    """
    corners, outline = clockwise(np.asarray(corners_px, dtype=np.float64)), clockwise(np.asarray(sign.outline_cm))
    if len(corners) not in (4, len(outline)):
        raise UsageError(f"{len(corners)} corners are neither the {len(outline)} of {sign.name} nor the 4 of the box around it")
    if len(corners) == len(outline):
        found = views(corners, outline)
        homography = min(found, key=lambda view: abs(roll_deg(view, outline)), default=None)
    else:
        x, y = sign.width_cm / 2, sign.height_cm / 2
        box = np.array([[-x, -y], [x, -y], [x, y], [-x, y]])
        homography = homographies(corners[None], box)[0] if convex(corners) else None
    if homography is None:
        raise UsageError(
            f"corners {brief(corners.tolist())} are not those of {sign.name} in any view: list them around the sign"
        )
    return homography


def views(corners: Array, outline: Array) -> list[Tensor]:
    """The homographies from an outline to corners, both clockwise, for each corner that the first may be and that fits."""
    if not convex(corners) and convex(outline):
        return []
    turns = np.stack([np.roll(corners, turn, axis=0) for turn in range(len(outline))])
    found = homographies(turns, outline)
    error = np.linalg.norm(np.asarray(project(found, torch.from_numpy(outline))) - turns, axis=-1).max(1)
    return list(found[torch.from_numpy(error < CORNER_ERROR * size(corners))])


def homographies(corners: Array, outline: Array) -> Tensor:
    """The homographies ``(B, 3, 3)`` from an outline to corners ``(B, n, 2)``, affine if they are three."""
    if len(outline) > 3:
        return homography_from_corners(torch.from_numpy(corners), torch.from_numpy(outline))
    affine = np.linalg.solve(np.column_stack([outline, np.ones(3)]), corners).swapaxes(1, 2)
    return torch.from_numpy(np.concatenate([affine, np.broadcast_to([[[0.0, 0.0, 1.0]]], (len(corners), 1, 3))], axis=1))


def roll_deg(homography: Tensor, outline: Array) -> float:
    """How far the sign is rotated clockwise in the photo."""
    _, down = _axes(homography, outline)
    return math.degrees(math.atan2(-down[0], down[1]))


def plausible(homography: Tensor, outline: Array) -> bool:
    """Whether a camera before an upright sign may see it so."""
    across, down = _axes(homography, outline)
    width, height = float(np.linalg.norm(across)), float(np.linalg.norm(down))
    upright = abs(roll_deg(homography, outline)) <= MOST_ROLL_DEG
    sine = float(cross(across, down)) / (width * height)
    return upright and ASPECTS[0] <= width / height <= ASPECTS[1] and sine >= math.sin(math.radians(LEAST_ANGLE_DEG))


def corners_in(homography: Tensor, outline: Array) -> Array:
    """Where a view shows the corners of an outline."""
    return np.asarray(project(homography[None], torch.from_numpy(outline))[0])


def _axes(homography: Tensor, outline: Array) -> tuple[Array, Array]:
    """Where a view shows the sign's horizontal and vertical axis."""
    half = np.abs(outline).max() / 2
    left, right, top, bottom = corners_in(homography, half * np.array([[-1.0, 0], [1, 0], [0, -1], [0, 1]]))
    return right - left, bottom - top
