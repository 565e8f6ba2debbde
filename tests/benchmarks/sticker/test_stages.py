"""Where a sticker is tried."""

from __future__ import annotations

import torch

from robustkit.benchmarks.sticker.stages import DrawnStage, PhotoStage, sign_size_px
from robustkit.physical.drawing.catalogue import artwork
from robustkit.physical.drawing.roadside import CAMERA
from robustkit.physical.pose import Pose
from robustkit.physical.scenes import Scenes

SIGN = artwork("stop").sign
POSE = Pose(distance_cm=torch.tensor([300.0, 300.0]).double(), yaw_deg=torch.tensor([0.0, 40.0]).double())
IDS = torch.arange(2)


def photos(count: int = 10) -> Scenes:
    """Photographs that the sign fills."""
    art = artwork("stop", 64)
    frame = art.texture[None].repeat(count, 1, 1, 1)
    return Scenes.filled(frame, torch.zeros(count, dtype=torch.long), SIGN)


def test_drawn_scenes_for_fitting_choosing_and_judging_differ() -> None:
    stage = DrawnStage(SIGN, 3, 16, count=8)
    fit, choose = stage.fitting(0)
    seen = stage.seen(POSE, IDS, 0)
    assert (len(fit), len(choose), len(seen)) == (8, 2, 2)
    assert not set(fit.ids.tolist()) & set(choose.ids.tolist())
    assert set(fit.labels.tolist()) == {3}
    assert not torch.equal(seen.frames, fit.frames[:2])
    assert torch.equal(seen.frames, stage.seen(POSE, IDS, 0).frames)


def test_photos_are_judged_on_others_than_they_were_fitted_on() -> None:
    stage = PhotoStage(SIGN, photos(), 16)
    fit, choose = stage.fitting(0)
    assert (len(fit), len(choose)) == (5, 2)
    assert fit.frames.shape[1:] == (3, 16, 16)
    held_out = set(range(10)) - set(fit.ids.tolist()) - set(choose.ids.tolist())
    assert set(stage._parts(0)[2].ids.tolist()) == held_out


def test_a_sticker_lands_on_the_sign_of_a_photo_seen_from_elsewhere() -> None:
    stage = PhotoStage(SIGN, photos(), 64)
    seen = stage.seen(POSE, IDS, 0)
    art = artwork("stop", 64)
    error = (seen.show(art) - seen.frames).abs()
    inside = art.warp(seen.homography, (64, 64))[1] == 1
    assert float(error[inside.expand_as(error)].mean()) < 0.03


def test_a_sign_is_as_large_as_the_camera_shows_it() -> None:
    size = sign_size_px(Pose(distance_cm=300.0), SIGN)
    assert abs(float(size) - CAMERA.focal_px * SIGN.width_cm / 300) < 0.01
