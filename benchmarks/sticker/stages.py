"""Where a sticker is tried: a sign that the project draws, or photographs of a real one, seen from any pose."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from robustkit.benchmarks.sticker.photos import MARGIN, framed, moved
from robustkit.physical.drawing.backgrounds import backgrounds
from robustkit.physical.drawing.roadside import CAMERA, drive_past, roadside
from robustkit.physical.pose import Pose, apparent_size_px
from robustkit.physical.scenes import Scenes
from robustkit.physical.sign import Sign
from robustkit.rng import SampleRandom


class Stage(Protocol):
    """A sign in its surroundings."""

    @property
    def sign(self) -> Sign:
        """The sign."""

    def fitting(self, seed: int) -> tuple[Scenes, Scenes]:
        """Scenes to fit a sticker on, and others to choose the best iterate on."""

    def seen(self, pose: Pose, ids: Tensor, seed: int) -> Scenes:
        """Scenes that were not fitted on, from the given poses, one for each id."""


@dataclass(frozen=True)
class DrawnStage:
    """A sign that the project draws, before backgrounds that it draws too.

    Parameters
    ----------
    sign
        The sign; its name is that of its picture.
    label
        Its class.
    size_px
        Side of the square pictures.
    count
        Scenes to fit on.
    """

    sign: Sign
    label: int
    size_px: int
    count: int = 256

    def fitting(self, seed: int) -> tuple[Scenes, Scenes]:
        random = SampleRandom(seed, "sticker stage")
        parts = (torch.arange(self.count), torch.arange(self.count, self.count + max(1, self.count // 4)))
        fit, choose = (self._drawn(drive_past(ids, random), ids, random) for ids in parts)
        return fit, choose

    def seen(self, pose: Pose, ids: Tensor, seed: int) -> Scenes:
        return self._drawn(pose, ids, SampleRandom(seed, "sticker stage, held out"))

    def _drawn(self, pose: Pose, ids: Tensor, random: SampleRandom) -> Scenes:
        scenes = roadside(self.sign.name, ids, random, pose=pose, size_px=self.size_px)
        return replace(scenes, labels=torch.full_like(ids, self.label))


@dataclass(frozen=True, eq=False)
class PhotoStage:
    """Photographs of a sign.

    Parameters
    ----------
    sign
        The sign.
    photos
        They and where the sign is in each.
    size_px
        Side of the square pictures that the model gets.
    """

    sign: Sign
    photos: Scenes
    size_px: int

    def fitting(self, seed: int) -> tuple[Scenes, Scenes]:
        fit, choose, _ = self._parts(seed)
        return self._framed(fit), self._framed(choose)

    def seen(self, pose: Pose, ids: Tensor, seed: int) -> Scenes:
        held_out = self._parts(seed)[2]
        chosen = held_out.rows(ids % len(held_out))
        return self._seen(chosen, pose.homography(CAMERA), ids, seed)

    def _parts(self, seed: int) -> tuple[Scenes, ...]:
        return self.photos.split(seed, (0.5, 0.2, 0.3))

    def _framed(self, photos: Scenes) -> Scenes:
        """The photos as they are, scaled to the pictures that the model gets."""
        assert photos.homography is not None
        return self._seen(photos, photos.homography, photos.ids, 0)

    def _seen(self, photos: Scenes, homography: Tensor, ids: Tensor, seed: int) -> Scenes:
        """The photos as if taken from where the homographies say, and cut out with the margin that they have."""
        assert photos.homography is not None
        size_px = (self.size_px, self.size_px)
        to = framed(homography, self.sign, self.size_px, _margin(photos, self.sign))
        behind = backgrounds(SampleRandom(seed, "beyond the photo"), ids, size_px)
        frames = moved(photos.frames, photos.homography, to, size_px, behind)
        return replace(photos, frames=frames, ids=ids, homography=to)


def sign_size_px(pose: Pose, sign: Sign) -> Tensor:
    """The width of the sign in the picture of the camera, before a detector's cut is scaled for the model, ``(B,)``."""
    return apparent_size_px(pose.homography(CAMERA), sign)


def _margin(photos: Scenes, sign: Sign) -> Tensor:
    """How many times the sign's box fits into each photo, at most `MARGIN`."""
    assert photos.homography is not None
    box = apparent_size_px(photos.homography, sign)
    return (min(photos.frames.shape[2:]) / box).clamp(1.0, MARGIN)
