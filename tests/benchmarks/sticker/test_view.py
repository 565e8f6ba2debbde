"""Views of signs whose corners are given, against poses that are known."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from robustkit.benchmarks.sticker.polygons import clockwise
from robustkit.benchmarks.sticker.view import corners_in, plausible, roll_deg, view_of_corners
from robustkit.errors import UsageError
from robustkit.physical.pose import Camera, Pose, project
from robustkit.physical.sign import Sign

STOP, LIMIT, YIELD = Sign.regular("stop", 8, 75), Sign.rectangle("limit", 60, 75), Sign.regular("yield", 3, 90, 180)
CAMERA = Camera(1500, 1920, 1080)


def seen(sign: Sign, **pose: float) -> tuple[torch.Tensor, np.ndarray]:
    homography = Pose(600, **pose).homography(CAMERA)
    return homography[0], np.asarray(project(homography, torch.tensor(sign.outline_cm))[0])


@given(
    st.sampled_from([STOP, LIMIT]), st.floats(-60, 60), st.floats(-10, 10), st.floats(-6, 6), st.integers(0, 7), st.booleans()
)
def test_corners_in_any_order_around_the_sign_give_its_view(
    sign: Sign, yaw: float, pitch: float, roll: float, first: int, backwards: bool
) -> None:
    homography, corners = seen(sign, yaw_deg=yaw, pitch_deg=pitch, roll_deg=roll)
    listed = np.roll(corners, first, axis=0)[:: -1 if backwards else 1]
    found = view_of_corners([(float(x), float(y)) for x, y in listed], sign)
    assert torch.allclose(found, homography / homography[2, 2], rtol=1e-4, atol=1e-4)


def test_four_corners_of_the_box_around_an_octagon() -> None:
    homography, _ = seen(STOP, yaw_deg=30)
    box = project(homography[None], torch.tensor([[-37.5, -37.5], [37.5, -37.5], [37.5, 37.5], [-37.5, 37.5]]))[0]
    found = view_of_corners([(float(x), float(y)) for x, y in box], STOP)
    assert torch.allclose(found, homography / homography[2, 2], rtol=1e-4, atol=1e-4)


def test_a_triangle_is_seen_from_far_away() -> None:
    _, corners = seen(YIELD)
    found = view_of_corners([(float(x), float(y)) for x, y in corners], YIELD)
    assert found[2].tolist() == [0, 0, 1]
    assert corners_in(found, np.asarray(YIELD.outline_cm)) == pytest.approx(corners)


def test_a_wrong_number_of_corners_is_said() -> None:
    with pytest.raises(UsageError, match="5 corners are neither the 8 of stop nor the 4 of the box around it"):
        view_of_corners([(0, 0), (1, 0), (2, 1), (1, 2), (0, 2)], STOP)


def test_corners_that_cross_are_not_those_of_a_sign() -> None:
    with pytest.raises(UsageError, match="are not those of limit in any view"):
        view_of_corners([(0, 0), (10, 10), (10, 0), (0, 10)], LIMIT)


def test_what_a_camera_before_an_upright_sign_may_see() -> None:
    outline = clockwise(np.asarray(STOP.outline_cm))
    assert plausible(seen(STOP, yaw_deg=60)[0], outline)
    assert not plausible(seen(STOP, yaw_deg=80)[0], outline)
    assert not plausible(seen(STOP, pitch_deg=60)[0], outline)
    assert not plausible(seen(STOP, roll_deg=40)[0], outline)
    assert roll_deg(seen(STOP, roll_deg=-20)[0], outline) == pytest.approx(-20)
