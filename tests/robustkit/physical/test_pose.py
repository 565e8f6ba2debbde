import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from robustkit.errors import UsageError
from robustkit.physical import Camera, Pose, Sign, apparent_size_px, homography_from_corners, project

CAMERA = Camera(focal_px=400.0, width_px=320, height_px=240)
STOP = Sign.regular("stop", 8, 76.2)
CORNERS = torch.tensor([[-30.0, -20], [30, -20], [30, 20], [-30, 20]], dtype=torch.float64)

distances = st.floats(150, 4000)
angles = st.floats(-75, 75)
rolls = st.floats(-180, 180)


@given(distances, st.floats(-200, 200), st.floats(-200, 200))
def test_a_sign_seen_straight_on_is_scaled_and_moved(distance, right, down):
    homography = Pose(distance, right_cm=right, down_cm=down).homography(CAMERA)[0]
    scale = 400 / distance
    expected = [[scale, 0, 160 + scale * right], [0, scale, 120 + scale * down], [0, 0, 1]]
    assert torch.allclose(homography / homography[2, 2], torch.tensor(expected, dtype=torch.float64), atol=1e-9)


@given(distances, angles, angles, rolls, rolls)
def test_roll_composes_with_a_rotation_of_the_sign(distance, yaw, pitch, first, second):
    whole = Pose(distance, yaw, pitch, first + second).homography(CAMERA)[0]
    turn = math.radians(second)
    rotation = torch.tensor(
        [[math.cos(turn), -math.sin(turn), 0], [math.sin(turn), math.cos(turn), 0], [0, 0, 1]], dtype=torch.float64
    )
    assert torch.allclose(whole, Pose(distance, yaw, pitch, first).homography(CAMERA)[0] @ rotation, atol=1e-9)


@given(distances, angles, angles, rolls)
def test_corners_give_the_homography_back(distance, yaw, pitch, roll):
    homography = Pose(distance, yaw, pitch, roll).homography(CAMERA)
    fitted = homography_from_corners(project(homography, CORNERS), CORNERS)
    assert torch.allclose(fitted, homography / homography[:, 2:, 2:], rtol=1e-6, atol=1e-8)


def test_positive_angles():
    left, right = (-30.0, 0.0), (30.0, 0.0)
    top, bottom = (0.0, -30.0), (0.0, 30.0)
    points = torch.tensor([left, right, top, bottom])
    yaw, pitch, roll = (
        project(pose.homography(CAMERA), points)[0] for pose in (Pose(200, 40), Pose(200, 0, 40), Pose(200, 0, 0, 40))
    )
    centre = torch.tensor([160.0, 120])
    reach = (yaw - centre).norm(dim=1)
    assert reach[1] > reach[0]  # from the right, the right edge is nearer
    reach = (pitch - centre).norm(dim=1)
    assert reach[3] > reach[2]  # from below, the lower edge is nearer
    assert roll[1, 1] > 120  # clockwise, the right edge goes down


def test_the_picture_of_a_tilted_sign_by_hand():
    # The right edge, 30 cm out at 60 degrees, is 30 sin 60 nearer and 30 cos 60 out.
    seen = project(Pose(200, 60).homography(CAMERA), torch.tensor([[30.0, 0]]))[0, 0]
    assert seen.tolist() == pytest.approx([160 + 400 * 15 / (200 - 30 * math.sqrt(0.75)), 120])


def test_poses_come_in_batches():
    pose = Pose(torch.tensor([200.0, 400]), yaw_deg=torch.tensor([0.0, 60]), roll_deg=5.0)
    homographies = pose.homography(CAMERA)
    assert homographies.shape == (2, 3, 3)
    assert torch.equal(homographies[1], Pose(400.0, 60.0, 0, 5.0).homography(CAMERA)[0])


def test_the_apparent_size():
    pose = Pose(torch.tensor([400.0, 800, 400]), yaw_deg=torch.tensor([0.0, 0, 60]))
    size = apparent_size_px(pose.homography(CAMERA), STOP)
    assert size[:2].tolist() == pytest.approx([76.2, 38.1])
    assert 76.2 < size[2] < 85  # its height, whose nearer part has grown


def test_a_field_of_view():
    assert Camera.of_view(90, 200, 100).focal_px == pytest.approx(100)
    assert CAMERA.size_px == (240, 320)


def test_more_corners_are_fitted_in_the_mean():
    homography = Pose(300, 30, 10, 5).homography(CAMERA)
    grid = torch.cartesian_prod(torch.linspace(-30, 30, 5), torch.linspace(-30, 30, 5)).double()
    noise = torch.randn(1, 25, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 0.1
    fitted = homography_from_corners(project(homography, grid) + noise, grid)
    assert (project(fitted, grid) - project(homography, grid)).abs().max() < 0.15


@pytest.mark.parametrize(
    ("pose", "message"),
    [
        (Pose(0), "distance_cm=0.0 must be above 0"),
        (Pose(100, 95), "yaw_deg=95.0 does not show the sign's front"),
        (Pose(100, 0, torch.tensor([0.0, -90])), "pitch_deg=-90.0 does not show"),
        (Pose(100, -60, right_cm=300), "back"),
    ],
)
def test_a_pose_that_does_not_show_the_sign(pose, message):
    with pytest.raises(UsageError, match=message):
        pose.homography(CAMERA)


def test_invalid_cameras():
    with pytest.raises(UsageError, match="focal_px=0"):
        Camera(0, 32, 32)
    with pytest.raises(UsageError, match="field_deg=180"):
        Camera.of_view(180, 32, 32)


def test_corners_that_do_not_determine_a_view():
    line = torch.tensor([[0.0, 0], [1, 1], [2, 2], [5, 0]])
    with pytest.raises(UsageError, match="lie on a line"):
        homography_from_corners(line[None], line)
    with pytest.raises(UsageError, match=r"\(1, 3, 2\) in pixels"):
        homography_from_corners(line[None, :3], line[:3])
