"""Signs found by their outline in scenes whose homography is known, and in real photographs where there are some."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from robustkit.benchmarks.sticker.finding import Found, NotFound, find_sign
from robustkit.benchmarks.sticker.rectify import rectified
from robustkit.physical.drawing.backgrounds import backgrounds
from robustkit.physical.pose import Camera, Pose, project
from robustkit.physical.sign import Sign
from robustkit.physical.sticker import Sticker
from robustkit.rng import SampleRandom

REAL = Path("../shared/data/rp2/stop_256")
CAMERA = Camera(500, 240, 200)
STOP, LIMIT, YIELD = Sign.regular("stop", 8, 75), Sign.rectangle("limit", 60, 75), Sign.regular("yield", 3, 90, 180)
RED, BLUE, WHITE = (0.7, 0.1, 0.1), (0.1, 0.2, 0.6), (0.9, 0.9, 0.9)


def drawn(seed: int, size_px: tuple[int, int] = CAMERA.size_px) -> Tensor:
    return backgrounds(SampleRandom(seed, "finding"), torch.arange(1), size_px)


def scene(
    sign: Sign, colour: tuple[float, float, float], behind: Tensor, camera: Camera = CAMERA, **pose: float
) -> tuple[Tensor, Tensor]:
    """A sign of one colour with two black stickers, and its homography."""
    plain = Sticker.plain(sign, sign.coverage((200, 200)), colour)
    plain.texture[:, 30:50, 60:140] = plain.texture[:, 120:140, 85:115] = 0
    homography = Pose(**{"distance_cm": 400, **pose}).homography(camera)
    return plain.on(behind, homography)[0], homography[0]


def error_px(found: Found | NotFound, homography: Tensor, sign: Sign) -> float:
    """The largest distance between where a sign's corners are and where they were found, whichever of them is the first."""
    assert isinstance(found, Found), found.reason
    corners = torch.tensor(sign.outline_cm)
    apart = project(found.homography[None], corners)[0] - project(homography[None], corners)[0]
    return float(apart.norm(dim=1).max())


@pytest.mark.parametrize("colour", [RED, BLUE])
@pytest.mark.parametrize(("sign", "within"), [(STOP, 1.5), (LIMIT, 1.5), (YIELD, 3)])
def test_a_sign_of_any_colour_is_found_where_it_is(sign: Sign, within: float, colour: tuple[float, float, float]) -> None:
    grey = torch.full((1, 3, *CAMERA.size_px), 0.55)
    for pose in ({}, {"yaw_deg": 40, "right_cm": 30}, {"pitch_deg": 12, "roll_deg": -8, "down_cm": 20}):
        photo, homography = scene(sign, colour, grey, **pose)
        assert error_px(find_sign(photo, sign), homography, sign) < within


def test_a_sign_is_found_before_a_drawn_background() -> None:
    errors = []
    for seed in range(4):
        photo, homography = scene(STOP, RED, drawn(seed), yaw_deg=20)
        errors.append(error_px(find_sign(photo, STOP), homography, STOP))
    assert max(errors) < 3


def test_a_large_photo_is_searched_small_and_measured_large() -> None:
    large = Camera(2200, 1300, 900)
    photo, homography = scene(STOP, RED, torch.full((1, 3, *large.size_px), 0.5), large, yaw_deg=30)
    assert error_px(find_sign(photo, STOP), homography, STOP) < 1


def test_a_white_border_belongs_to_the_sign() -> None:
    border = Sticker.plain(STOP, STOP.coverage((300, 300)), WHITE)
    inner = Sign.regular("inner", 8, 70)
    homography = Pose(300, 15).homography(CAMERA)
    photo = Sticker.plain(inner, inner.coverage((300, 300)), RED).on(
        border.on(torch.full((1, 3, *CAMERA.size_px), 0.6), homography), homography
    )
    assert error_px(find_sign(photo[0], STOP), homography[0], STOP) < 1.5


def test_nothing_is_found_where_there_is_no_sign() -> None:
    assert isinstance(find_sign(torch.full((3, 90, 120), 0.5), STOP), NotFound)
    for seed in range(3):
        found = find_sign(drawn(seed)[0], STOP)
        assert isinstance(found, NotFound)
        assert found.reason == "nothing in it has the outline of stop, whole and upright"


def test_two_signs_leave_the_choice_open() -> None:
    grey = torch.full((1, 3, *CAMERA.size_px), 0.55)
    left, _ = scene(STOP, RED, grey, right_cm=-55)
    both, _ = scene(STOP, RED, left[None], right_cm=55)
    found = find_sign(both, STOP)
    assert isinstance(found, NotFound)
    assert found.reason == "more than one thing in it has the outline of stop"


def test_a_circle_has_no_corners() -> None:
    found = find_sign(torch.zeros(3, 40, 40), Sign.circle("limit", 60))
    assert isinstance(found, NotFound)
    assert found.reason == "the outline of limit is not a convex polygon of at most 12 sides"


@pytest.mark.skipif(not REAL.is_dir(), reason="needs the photographs of RP2")
def test_real_signs_are_found_and_rectified_alike() -> None:
    crops = []
    for file in sorted(REAL.glob("*.png")):
        photo = torch.from_numpy(np.array(Image.open(file).convert("RGB"))).permute(2, 0, 1).float() / 255
        found = find_sign(photo, STOP)
        if isinstance(found, Found):
            crops.append(rectified(photo, found.homography, STOP, (64, 64))[0][1, 12:52, 12:52].flatten())
    assert len(crops) >= 39
    # The letters lie over one another.
    correlation = torch.corrcoef(torch.stack(crops))
    assert correlation.median() > 0.9
