"""Where photographs of a sign are taken from: standing at marked places, or driving past.

References
----------
Eykholt et al., Robust Physical-World Attacks on Deep Learning Visual Classification, arXiv 1707.08945: the stationary and the
drive-by test.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from robustkit.corruptions.draws import Draws
from robustkit.crossing import constant
from robustkit.errors import UsageError, brief, did_you_mean
from robustkit.physical.pose import Pose
from robustkit.physical.views.base import Range, check_range
from robustkit.rng import SampleRandom

FOOT_CM = 30.48


class Poses(Protocol):
    """A distribution of poses."""

    def draw(self, ids: Tensor, random: SampleRandom, step: Tensor | int = 0) -> Pose:
        """A pose for each sample ``(B,)``: a function of `random`, its id and the step alone."""


@dataclass(frozen=True, kw_only=True)
class Stationary:
    """A photographer at marked distances and angles before the sign.

    Parameters
    ----------
    distances_cm, angles_deg
        The marks: each distance at each angle.
    distance_error, angle_error_deg
        How far from a mark photographs are taken: at most this share of the distance, and this much of the angle.
    pitch_deg
        Range of the angle from below.
    roll_deg
        Range of the camera's or the sign's tilt.
    """

    distances_cm: tuple[float, ...] = tuple(FOOT_CM * feet for feet in (5, 10, 15, 20, 25, 30, 40))
    angles_deg: tuple[float, ...] = (0, 15, 30, 45)
    distance_error: float = 0.05
    angle_error_deg: float = 3.0
    pitch_deg: Range = (0.0, 8.0)
    roll_deg: Range = (-3.0, 3.0)

    name: ClassVar[str] = "stationary"

    def __post_init__(self) -> None:
        _check_marks("distances_cm", self.distances_cm, 1, 1e6)
        _check_marks("angles_deg", self.angles_deg, -80, 80)
        _check_number("distance_error", self.distance_error, 0, 0.5)
        _check_number("angle_error_deg", self.angle_error_deg, 0, 9)
        check_range("pitch_deg", self.pitch_deg, -80, 80)
        check_range("roll_deg", self.roll_deg, -180, 180)

    def cells(self) -> tuple[Pose, ...]:
        """The marks themselves, by distance and then by angle."""
        return tuple(Pose(distance_cm=distance, yaw_deg=angle) for distance in self.distances_cm for angle in self.angles_deg)

    def draw(self, ids: Tensor, random: SampleRandom, step: Tensor | int = 0) -> Pose:
        """A photograph near a mark for each sample, each mark equally likely, its angle on either side."""
        draws = Draws(random=random, sample_ids=ids, number=step, name=self.name)
        error = draws.between(-1, 1, (2,), "error")
        side = 2.0 * draws.integers(2, (), "side") - 1
        distance = constant(self.distances_cm, error)[draws.integers(len(self.distances_cm), (), "distance")]
        angle = constant(self.angles_deg, error)[draws.integers(len(self.angles_deg), (), "angle")]
        return Pose(
            distance_cm=distance * (1 + self.distance_error * error[:, 0]),
            yaw_deg=side * angle + self.angle_error_deg * error[:, 1],
            pitch_deg=draws.between(*self.pitch_deg, (), "pitch"),
            roll_deg=draws.between(*self.roll_deg, (), "roll"),
        )


@dataclass(frozen=True, kw_only=True)
class DriveBy:
    """A car that drives straight on past a sign that faces the road, with a camera that is kept on the sign.

    Parameters
    ----------
    from_cm, to_cm
        How far before the sign, along the road, the first and the last frame are taken.
    lateral_cm
        Range of the sign's distance to the right of the camera's path; negative to the left.
    above_cm
        Range of its height above the camera.
    roll_deg
        Range of the camera's or the sign's tilt.
    """

    from_cm: float = 250 * FOOT_CM
    to_cm: float = 20 * FOOT_CM
    lateral_cm: Range = (150.0, 400.0)
    above_cm: Range = (50.0, 150.0)
    roll_deg: Range = (-3.0, 3.0)

    name: ClassVar[str] = "drive-by"

    def __post_init__(self) -> None:
        _check_number("from_cm", self.from_cm, 1, 1e6)
        _check_number("to_cm", self.to_cm, 1, self.from_cm)
        check_range("lateral_cm", self.lateral_cm, -1e4, 1e4)
        check_range("above_cm", self.above_cm, -1e4, 1e4)
        check_range("roll_deg", self.roll_deg, -180, 180)

    def draw(self, ids: Tensor, random: SampleRandom, step: Tensor | int = 0) -> Pose:
        """One frame, anywhere on a run of its own, for each sample."""
        draws = Draws(random=random, sample_ids=ids, number=step, name=self.name)
        return self._seen(draws, draws.uniform((1,), "place"))

    def run(self, frames: int, ids: Tensor, random: SampleRandom, step: Tensor | int = 0) -> Pose:
        """The frames of one run for each sample, at constant speed; ``(B * frames,)``, one run after another.

        Raises
        ------
        UsageError
            If there are fewer than two frames.
        """
        if frames < 2:
            raise UsageError(f"frames={brief(frames)} of a drive-by must be at least 2: the first and the last")
        draws = Draws(random=random, sample_ids=ids, number=step, name=self.name)
        return self._seen(draws, torch.linspace(0, 1, frames, dtype=torch.float64, device=ids.device))

    def _seen(self, draws: Draws, place: Tensor) -> Pose:
        """The sign from places on each sample's run, shares of its length ``(B, n)`` or ``(n,)``."""
        lateral = draws.between(*self.lateral_cm, (1,), "lateral")
        above = draws.between(*self.above_cm, (1,), "above")
        roll = draws.between(*self.roll_deg, (1,), "roll")
        along = self.from_cm + (self.to_cm - self.from_cm) * place + torch.zeros_like(lateral)
        distance = (along**2 + lateral**2 + above**2).sqrt()
        # A sign on the right is seen from its left.
        yaw, pitch = (-lateral / distance).asin(), torch.atan2(above.expand_as(along), along)
        values = (distance, yaw.rad2deg(), pitch.rad2deg(), roll.expand_as(along))
        return Pose(*(value.flatten() for value in values))


def _check_marks(name: str, marks: tuple[float, ...], low: float, high: float) -> None:
    if not marks or not all(low <= mark <= high for mark in marks):
        raise UsageError(f"{name}={brief(marks)} must be one or more numbers from {low:g} to {high:g}")


def _check_number(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise UsageError(f"{name}={brief(value)} must be a number from {low:g} to {high:g}")


#: The distributions by name.
POSES: MappingProxyType[str, Poses] = MappingProxyType({made.name: made for made in (Stationary(), DriveBy())})


def load_poses(name: str) -> Poses:
    """The distribution of this name, ``stationary`` or ``drive-by``.

    Raises
    ------
    UsageError
        If there is none.
    """
    if name not in POSES:
        raise UsageError(f"poses {brief(name)} are unknown: {did_you_mean(name, POSES)}")
    return POSES[name]
