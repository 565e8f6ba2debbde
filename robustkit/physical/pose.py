"""Where the camera stands before a sign, and the homography from the sign's plane to the picture.

Coordinates: on the sign in cm, x to the right, y down, the origin at the centre of its bounding box; in the picture in pixels,
(0, 0) at the outer corner of the first pixel, whose centre is (0.5, 0.5).

References
----------
Hartley and Zisserman, Multiple View Geometry in Computer Vision, 2nd edition 2004, algorithm 4.2 (normalised DLT).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from robustkit.errors import UsageError, brief
from robustkit.physical.sign import Sign


@dataclass(frozen=True)
class Camera:
    """A pinhole camera whose optical axis meets the centre of the picture.

    Parameters
    ----------
    focal_px
        Focal length in pixels: a sign of w cm at d cm is `focal_px` * w / d pixels wide.
    width_px, height_px
        Size of the picture.
    """

    focal_px: float
    width_px: int
    height_px: int

    def __post_init__(self) -> None:
        for name in ("focal_px", "width_px", "height_px"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise UsageError(f"{name}={brief(value)} of a camera must be above 0")

    @classmethod
    def of_view(cls, field_deg: float, width_px: int, height_px: int) -> Camera:
        """A camera with this horizontal field of view."""
        if not 0 < field_deg < 180:
            raise UsageError(f"field_deg={brief(field_deg)} must be a field of view between 0 and 180 degrees")
        return cls(width_px / 2 / math.tan(math.radians(field_deg) / 2), width_px, height_px)

    @property
    def size_px(self) -> tuple[int, int]:
        """Height and width of the picture."""
        return self.height_px, self.width_px

    def px_mm(self, distance_cm: float) -> float:
        """The size of a pixel on a sign at this distance."""
        return 10 * distance_cm / self.focal_px


@dataclass(frozen=True)
class Pose:
    """How a sign is seen; every value is a number or one for each view, ``(B,)``.

    Parameters
    ----------
    distance_cm
        From the camera to the sign's centre along the optical axis.
    yaw_deg
        Angle to the sign's normal from which it is seen: positive from its right, whose edge is then nearer.
    pitch_deg
        The same from below, as a sign on a post is.
    roll_deg
        Clockwise rotation of the sign in its own plane.
    right_cm, down_cm
        Offset of the sign's centre from the optical axis.
    """

    distance_cm: Tensor | float
    yaw_deg: Tensor | float = 0.0
    pitch_deg: Tensor | float = 0.0
    roll_deg: Tensor | float = 0.0
    right_cm: Tensor | float = 0.0
    down_cm: Tensor | float = 0.0

    def homography(self, camera: Camera) -> Tensor:
        """The homographies from cm on the sign to pixels, float64 ``(B, 3, 3)``.

        Raises
        ------
        UsageError
            If a distance is not above 0, or a sign is seen from its edge or its back.
        """
        distance, yaw, pitch, roll, right, down = self._values()
        if not bool((distance > 0).all()):
            raise UsageError(f"distance_cm={brief(distance.min().item())} must be above 0")
        for name, angle in (("yaw_deg", yaw), ("pitch_deg", pitch)):
            if not bool((angle.abs() < 90).all()):
                worst = angle[angle.abs().argmax()].item()
                raise UsageError(f"{name}={brief(worst)} does not show the sign's front: give an angle between -90 and 90")
        cy, sy = _circle(yaw)
        cp, sp = _circle(pitch)
        cr, sr = _circle(roll)
        zero = torch.zeros_like(cy)
        # The sign's x and y axes after roll, then pitch, then yaw; z is away from the camera.
        x = torch.stack([cy * cr - sy * sp * sr, cp * sr, -sy * cr - cy * sp * sr], 1)
        y = torch.stack([-cy * sr - sy * sp * cr, cp * cr, sy * sr - cy * sp * cr], 1)
        plane = torch.stack([x, y, torch.stack([right, down, distance], 1)], 2)
        focal, one = zero + camera.focal_px, zero + 1
        to_px = torch.stack(
            [focal, zero, zero + camera.width_px / 2, zero, focal, zero + camera.height_px / 2, zero, zero, one], 1
        ).reshape(-1, 3, 3)
        homography = to_px @ plane
        if not bool((torch.linalg.det(homography) > 0).all()):
            raise UsageError(
                "the offset from the optical axis is so large that the sign's back is seen: make it or the angle smaller"
            )
        return homography

    def _values(self) -> tuple[Tensor, ...]:
        given = (self.distance_cm, self.yaw_deg, self.pitch_deg, self.roll_deg, self.right_cm, self.down_cm)
        values = [torch.as_tensor(value, dtype=torch.float64).reshape(-1) for value in given]
        count = max(map(len, values))
        return tuple(value.expand(count) for value in values)


def _circle(degrees: Tensor) -> tuple[Tensor, Tensor]:
    """The cosine and the sine of an angle."""
    radians = torch.deg2rad(degrees)
    return radians.cos(), radians.sin()


def project(homography: Tensor, points: Tensor) -> Tensor:
    """Where homographies ``(B, 3, 3)`` take points ``(n, 2)`` or ``(B, n, 2)``, as ``(B, n, 2)``."""
    points = points.to(homography)
    image: Tensor = torch.cat([points, torch.ones_like(points[..., :1])], -1) @ homography.mT
    return image[..., :2] / image[..., 2:]


def apparent_size_px(homography: Tensor, sign: Sign) -> Tensor:
    """The longer side of the box around the sign's outline in the picture, in pixels, ``(B,)``."""
    corners = project(homography, torch.tensor(sign.outline_cm, dtype=torch.float64))
    return (corners.amax(1) - corners.amin(1)).amax(1)


def homography_from_corners(corners_px: Tensor, corners_cm: Tensor) -> Tensor:
    """The homographies from cm on the sign to pixels that fit corresponding corners best, float64 ``(B, 3, 3)``.

    Parameters
    ----------
    corners_px
        At least four corners in each picture, ``(B, n, 2)``.
    corners_cm
        The same corners on the sign, ``(n, 2)`` or ``(B, n, 2)``.

    Raises
    ------
    UsageError
        If there are fewer than four corners, the numbers differ, or the corners do not determine a homography (three on a line).
    """
    given, known = tuple(corners_px.shape), tuple(corners_cm.shape)
    if len(given) != 3 or given[1] < 4 or given[2] != 2 or known[-2:] != given[1:]:
        raise UsageError(
            f"corners of shapes {given} in pixels and {known} in cm must be (B, n, 2) and (n, 2) with n of at least 4"
        )
    target = corners_px.double()
    source = corners_cm.to(target).expand_as(target)
    (source, from_cm), (target, from_px) = _normalised(source), _normalised(target)
    homogeneous = torch.cat([source, torch.ones_like(source[..., :1])], -1)
    zero = torch.zeros_like(homogeneous)
    u, v = target[..., :1], target[..., 1:]
    equations = torch.cat(
        [torch.cat([homogeneous, zero, -u * homogeneous], -1), torch.cat([zero, homogeneous, -v * homogeneous], -1)], 1
    )
    _, singular, vectors = torch.linalg.svd(equations)
    if bool((singular[:, 7] <= 1e-9 * singular[:, 0]).any()):
        raise UsageError(f"the {given[1]} corners do not determine a view, for all but one lie on a line: give other corners")
    matrix: Tensor = torch.linalg.inv(from_px) @ vectors[:, 8].reshape(-1, 3, 3) @ from_cm
    return matrix / matrix[:, 2:, 2:]


def _normalised(points: Tensor) -> tuple[Tensor, Tensor]:
    """Points moved and scaled to mean 0 and mean distance sqrt(2), which conditions the equations, and the matrix that does so."""
    centre = points.mean(1, keepdim=True)
    scale = math.sqrt(2) / (points - centre).norm(dim=-1).mean(1).clamp(min=1e-300)
    matrix = torch.zeros(len(points), 3, 3, dtype=points.dtype, device=points.device)
    matrix[:, 0, 0] = matrix[:, 1, 1] = scale
    matrix[:, :2, 2] = -scale[:, None] * centre[:, 0]
    matrix[:, 2, 2] = 1
    return (points - centre) * scale[:, None, None], matrix
