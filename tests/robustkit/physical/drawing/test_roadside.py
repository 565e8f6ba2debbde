import pytest
import torch

from robustkit.colour import srgb_to_linear
from robustkit.physical.drawing.catalogue import CLASSES, artwork
from robustkit.physical.drawing.roadside import drive_past, roadside
from robustkit.physical.pose import Pose, apparent_size_px, project
from robustkit.physical.sticker import Sticker
from robustkit.rng import SampleRandom

RANDOM = SampleRandom(0, "test")


@pytest.mark.parametrize("name", ["stop", "yield", "speed limit 45"])
def test_the_whole_sign_is_in_the_picture_and_fills_most_of_it(name):
    found, sign = roadside(name, torch.arange(50), RANDOM, size_px=48), artwork(name).sign
    corners = project(found.homography, torch.tensor(sign.outline_cm))
    assert found.frames.shape == (50, 3, 48, 48)
    assert float(corners.min()) >= -1e-6
    assert float(corners.max()) <= 48 + 1e-6
    size = apparent_size_px(found.homography, sign) / 48
    assert float(size.min()) > 0.65
    assert 0.95 < float(size.max()) <= 1 + 1e-6


def test_a_picture_depends_on_its_id_alone():
    many = roadside("stop", torch.arange(6), RANDOM).frames
    assert torch.allclose(roadside("stop", torch.tensor([4]), RANDOM).frames[0], many[4], atol=1e-5)
    assert float((many[0] - many[1]).abs().mean()) > 0.02


def test_labels_are_those_of_the_catalogue():
    found = roadside("yield", torch.tensor([5, 9]), RANDOM)
    assert found.labels.tolist() == [CLASSES.index("yield")] * 2
    assert found.ids.tolist() == [5, 9]


def test_the_middle_of_a_stop_sign_is_red_and_white():
    found = roadside("stop", torch.arange(20), RANDOM)
    red, green, _ = found.frames[:, :, 8:11, 12:20].mean((0, 2, 3)).tolist()
    assert red > 1.8 * green


def test_the_pose_may_be_given():
    pose = Pose(distance_cm=torch.tensor([300.0, 1200.0]), yaw_deg=torch.tensor([0.0, 50.0]))
    found = roadside("stop", torch.arange(2), RANDOM, pose=pose)
    outline = project(found.homography, torch.tensor(artwork("stop").sign.outline_cm))
    width, height = (outline.amax(1) - outline.amin(1)).T
    assert width[0] == pytest.approx(height[0])
    assert width[1] / height[1] == pytest.approx(0.643, abs=0.02)  # cos 50°


def test_a_sticker_gets_the_light_of_the_sign():
    found = roadside("stop", torch.arange(4), RANDOM)
    art = artwork("stop")
    middle = srgb_to_linear(found.show(Sticker.plain(art.sign, art.alpha, (0.0, 0.5, 0.0))))[:, 1, 14:18, 14:18].mean((1, 2))
    assert found.gain is not None
    assert torch.allclose(middle, 0.2140 * found.gain[:, 1], rtol=1e-3)


def test_a_sticker_leaves_the_surroundings_as_they_are():
    found = roadside("stop", torch.arange(4), RANDOM)
    alpha = torch.zeros_like(artwork("stop").alpha)
    alpha[:, 80:100, 40:88] = 1
    changed = (found.show(Sticker.plain(artwork("stop").sign, alpha, (0.0, 1.0, 0.0))) != found.frames).any(1)
    assert changed.flatten(1).any(1).all()
    assert not changed[:, 0].any()
    assert float(changed.float().mean()) < 0.15


def test_signs_stand_on_posts():
    straight = Pose(distance_cm=torch.full((40,), 500.0))
    below = roadside("no entry", torch.arange(40), RANDOM, pose=straight, size_px=64)
    foot = project(below.homography, torch.tensor([[0.0, 30.5]]))[:, 0]
    grey = torch.stack([below.frames[i, :, int(y), int(x)] for i, (x, y) in enumerate(foot.tolist()) if y < 63])
    assert len(grey) > 20
    assert float((grey.amax(1) - grey.amin(1)).median()) < 0.03


def test_poses_pass_on_both_sides_and_at_all_distances():
    pose = drive_past(torch.arange(2000), RANDOM)
    assert 300 <= float(pose.distance_cm.min()) < 320
    assert 2400 < float(pose.distance_cm.max()) <= 2500
    assert float(pose.distance_cm.median()) == pytest.approx((300 * 2500) ** 0.5, rel=0.1)
    assert float(pose.yaw_deg.min()) < -43
    assert float(pose.yaw_deg.max()) > 43


@pytest.mark.parametrize("name", CLASSES)
def test_every_sign_can_be_seen(name):
    assert roadside(name, torch.arange(1), RANDOM).frames.isfinite().all()
