"""Drawn signs on posts before drawn backgrounds, seen from a pose and cut out as a detector would."""

from __future__ import annotations

import torch
from torch import Tensor

from robustkit.physical.drawing.backgrounds import backgrounds
from robustkit.physical.drawing.catalogue import CLASSES, artwork
from robustkit.physical.drawing.noise import noise
from robustkit.physical.pose import Camera, Pose, project
from robustkit.physical.scenes import Scenes
from robustkit.physical.sign import Sign
from robustkit.physical.warp import composite, warp
from robustkit.rng import SampleRandom

CAMERA = Camera(focal_px=1500, width_px=1920, height_px=1080)
POST_CM = (6.0, 240.0)


def roadside(name: str, ids: Tensor, random: SampleRandom, *, pose: Pose | None = None, size_px: int = 32) -> Scenes:
    """Scenes of a sign, each a function of its id alone; labels are indices of `CLASSES`.

    Parameters
    ----------
    name
        A sign of the catalogue, such as ``stop``.
    ids
        One for each picture, ``(B,)``.
    random
        Draws the surroundings, the sign's wear and how it is cut out.
    pose
        How each picture is taken; None for `drive_past`.
    size_px
        Side of the square pictures.
    """
    art, pose = artwork(name), pose or drive_past(ids, random)
    homography = _cut_out(pose.homography(CAMERA), art.sign, ids, random, size_px)
    size = (size_px, size_px)
    behind = backgrounds(random, ids, size)
    behind = composite(behind, *_post(homography, size))
    light = 2 ** (2.4 * random.uniform(ids, (1, 1, 1), stream="light") - 1.4)
    colour, alpha = warp(_worn(art.texture, ids, random), art.alpha, homography, size_cm=art.size_cm, size_px=size)
    frames, gain = composite(behind, colour * light, alpha), light.reshape(-1, 1).repeat(1, 3)
    labels = torch.full_like(ids, CLASSES.index(name))
    return Scenes(frames, ids, labels, homography, gain=gain, offset=torch.zeros_like(gain))


def drive_past(ids: Tensor, random: SampleRandom) -> Pose:
    """Poses of a camera that passes signs on either side of the road at 3 to 25 m."""

    def between(low: float, high: float, stream: str) -> Tensor:
        return low + (high - low) * random.uniform(ids, (), stream=f"pose {stream}", dtype=torch.float64)

    return Pose(
        distance_cm=300 * (25 / 3) ** between(0, 1, "distance"),
        yaw_deg=between(-45, 45, "yaw"),
        pitch_deg=between(-6, 14, "pitch"),
        roll_deg=between(-6, 6, "roll"),
    )


def _cut_out(homography: Tensor, sign: Sign, ids: Tensor, random: SampleRandom, size_px: int) -> Tensor:
    """The homographies into square cuts around the sign with some margin, not quite centred."""
    corners = project(homography, torch.tensor(sign.outline_cm, dtype=torch.float64))
    low, high = corners.amin(1), corners.amax(1)
    draws = random.uniform(ids, (3,), stream="cut", dtype=torch.float64)
    extent = (high - low).amax(1)
    side = extent * (1 + 0.5 * draws[:, 0])
    slack = (side - extent)[:, None]
    centre = (low + high) / 2 + slack * (draws[:, 1:] - 0.5)
    cut = torch.zeros_like(homography)
    cut[:, 0, 0] = cut[:, 1, 1] = size_px / side
    cut[:, :2, 2] = size_px / 2 - centre * (size_px / side)[:, None]
    cut[:, 2, 2] = 1
    return cut @ homography


def _post(homography: Tensor, size_px: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """A grey steel post from the sign's centre downwards, as `warp` gives it."""
    down = torch.eye(3, dtype=homography.dtype)
    down[1, 2] = POST_CM[1] / 2
    steel = torch.tensor([0.45, 0.66, 0.62, 0.5, 0.36]).expand(3, 40, 5)
    return warp(steel, torch.ones(1, 40, 5), homography @ down, size_cm=POST_CM, size_px=size_px)


def _worn(texture: Tensor, ids: Tensor, random: SampleRandom) -> Tensor:
    """The picture of each sign, of its own shade, after years outside: bleached, and dirty in places, ``(B, 3, h, w)``."""
    shade = 0.9 + 0.2 * random.uniform(ids, (3, 1, 1), stream="shade")
    bleached = 0.3 * random.uniform(ids, (1, 1, 1), stream="bleached") ** 2
    dirt = noise(random, ids, (texture.shape[1], texture.shape[2]), (2, 2), octaves=3, stream="dirt").clamp_min(0)
    grime = 0.35 * random.uniform(ids, (1, 1, 1), stream="grime") ** 2
    return torch.lerp(texture * shade, torch.full_like(texture, 0.7), bleached).clamp(0, 1) * (1 - grime * dirt).clamp(0, 1)
