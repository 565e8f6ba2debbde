import math

import pytest
import torch

from robustkit.errors import UsageError
from robustkit.physical import Camera, project
from robustkit.physical.views.poses import POSES, DriveBy, Stationary, load_poses

NAMES = ("distance_cm", "yaw_deg", "pitch_deg", "roll_deg")
CAMERA = Camera(focal_px=1000, width_px=200, height_px=200)
CORNERS = torch.tensor([[-30.0, -30], [30, -30], [30, 30], [-30, 30]], dtype=torch.float64)


def test_the_marks_are_those_of_the_paper():
    cells = Stationary().cells()
    assert [round(cell.distance_cm / 30.48) for cell in cells[::4]] == [5, 10, 15, 20, 25, 30, 40]
    assert [cell.yaw_deg for cell in cells[:4]] == [0, 15, 30, 45]
    assert (len(cells), cells[0].distance_cm, cells[0].pitch_deg, cells[0].roll_deg) == (28, 152.4, 0, 0)


def test_photographs_are_taken_near_every_mark_on_both_sides(random):
    stationary = Stationary(distances_cm=(100, 1000), angles_deg=(0, 30), angle_error_deg=2)
    pose = stationary.draw(torch.arange(4000), random)
    error = torch.minimum((pose.distance_cm / 100 - 1).abs(), (pose.distance_cm / 1000 - 1).abs())
    assert 0.049 < float(error.max()) <= 0.05
    for distance, angle, share in ((100, 0, 1 / 4), (100, 30, 1 / 8), (1000, -30, 1 / 8)):
        near = ((pose.distance_cm / distance - 1).abs() < 0.06) & ((pose.yaw_deg - angle).abs() <= 2)
        assert float(near.float().mean()) == pytest.approx(share, abs=0.03)
    assert 0 <= float(pose.pitch_deg.min()) < float(pose.pitch_deg.max()) <= 8


@pytest.mark.parametrize("poses", POSES.values(), ids=POSES)
def test_a_pose_depends_on_its_sample_and_step_alone(poses, random):
    ids = torch.tensor([4, 9])
    both, one, later = poses.draw(ids, random, 3), poses.draw(ids[1:], random, 3), poses.draw(ids, random, 4)
    for name in NAMES:
        assert torch.equal(getattr(both, name)[1:], getattr(one, name))
        assert getattr(both, name).shape == (2,)
    assert not torch.equal(both.distance_cm, later.distance_cm)
    assert both.homography(CAMERA).shape == (2, 3, 3)


def test_a_run_comes_nearer_at_constant_speed_and_ends_at_the_side(random):
    drive = DriveBy(from_cm=5000, to_cm=500, lateral_cm=(300, 300), above_cm=(0, 0), roll_deg=(1, 1))
    run = drive.run(10, torch.arange(2), random)
    along = 5000 - 500 * torch.arange(10, dtype=torch.float64)
    assert torch.allclose(run.distance_cm, (along**2 + 300**2).sqrt().repeat(2))
    assert torch.allclose(run.yaw_deg, -torch.atan2(torch.tensor(300.0).double(), along).rad2deg().repeat(2))
    assert torch.equal(run.pitch_deg, torch.zeros(20, dtype=torch.float64))
    assert torch.equal(run.roll_deg, torch.ones(20, dtype=torch.float64))


def test_each_run_has_a_place_of_its_own_and_keeps_it(random):
    drive = DriveBy()
    run = drive.run(3, torch.tensor([1, 2]), random)
    again = drive.run(5, torch.tensor([2]), random)
    assert torch.equal(run.distance_cm[3:], again.distance_cm[::2])
    assert not torch.allclose(run.yaw_deg[:3], run.yaw_deg[3:])


def test_the_sign_is_seen_as_from_a_car_below_and_left_of_it(random):
    """Corners lie as far from the axis as the angle between the rays to them and to the sign's centre says."""
    lateral, above, along = 300.0, 120.0, 700.0
    drive = DriveBy(from_cm=701, to_cm=along, lateral_cm=(lateral,) * 2, above_cm=(above,) * 2, roll_deg=(0, 0))
    pose = drive.run(2, torch.arange(1), random)
    seen = project(pose.homography(CAMERA), CORNERS)[1] - 100
    centre = torch.tensor([lateral, -above, along], dtype=torch.float64)
    rays = centre + torch.cat([CORNERS, torch.zeros(4, 1, dtype=torch.float64)], 1)
    cosine = rays @ centre / rays.norm(dim=1) / centre.norm()
    assert torch.allclose(seen.norm(dim=1), 1000 * cosine.acos().tan())
    (top_left, top_right, bottom_right, bottom_left) = seen
    assert (bottom_left - top_left).norm() > (bottom_right - top_right).norm()
    assert (bottom_right - bottom_left).norm() > (top_right - top_left).norm()


def test_what_cannot_be_is_named():
    with pytest.raises(UsageError, match=r"distances_cm=\(\) must be one or more numbers from 1 to 1e\+06"):
        Stationary(distances_cm=())
    with pytest.raises(UsageError, match=r"angles_deg=\(0, 90\) must be one or more numbers from -80 to 80"):
        Stationary(angles_deg=(0, 90))
    with pytest.raises(UsageError, match=r"to_cm=inf must be a number from 1 to 100"):
        DriveBy(from_cm=100, to_cm=math.inf)
    with pytest.raises(UsageError, match=r"frames=1 of a drive-by must be at least 2"):
        DriveBy().run(1, torch.arange(1), None)
    with pytest.raises(UsageError, match=r"poses 'driveby' are unknown: did you mean 'drive-by'"):
        load_poses("driveby")
