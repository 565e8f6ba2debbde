"""Signs cut out of photos that a known homography maps."""

import pytest
import torch

from robustkit.benchmarks.sticker.rectify import cut_out, rectified
from robustkit.errors import UsageError
from robustkit.physical.pose import Camera, Pose
from robustkit.physical.sign import Sign
from robustkit.physical.sticker import Sticker

SIGN = Sign.rectangle("flag", 60, 60)


def test_a_sign_that_fills_the_photo_stays_as_it_is() -> None:
    photo = torch.linspace(0.4, 0.6, 36).reshape(1, 6, 6).repeat(3, 1, 1)
    homography = torch.tensor([[0.1, 0, 3], [0, 0.1, 3], [0, 0, 1]], dtype=torch.float64)
    for cut in (cut_out, rectified):
        assert torch.allclose(cut(photo, homography, SIGN, (6, 6))[0], photo, atol=0.02)


def test_pixels_are_means_over_their_area_in_linear_light() -> None:
    board = torch.zeros(3, 40, 40)
    board[:, ::2, ::2] = board[:, 1::2, 1::2] = 1
    homography = torch.tensor([[2 / 3, 0, 20], [0, 2 / 3, 20], [0, 0, 1]], dtype=torch.float64)
    found, _ = rectified(board, homography, SIGN, (4, 4))
    assert torch.allclose(found, torch.full_like(found, 0.735), atol=0.02)  # half the light


def test_a_margin_shows_what_is_around_and_the_border_is_repeated() -> None:
    photo = torch.full((3, 60, 60), 0.25)
    photo[:, 10:50, 10:50] = 1
    homography = torch.tensor([[2 / 3, 0, 30], [0, 2 / 3, 30], [0, 0, 1]], dtype=torch.float64)
    found = cut_out(photo, homography, SIGN, (8, 8), margin=0.5)[0][0]
    assert torch.allclose(found[2:6, 2:6], torch.ones(4, 4), atol=0.02)
    assert torch.allclose(found[:2], torch.full((2, 8), 0.25), atol=0.03)


def test_a_sign_seen_from_the_side_is_shown_from_straight_ahead() -> None:
    quarters = torch.zeros(3, 60, 60)
    quarters[0, :30, :30] = quarters[1, :30, 30:] = quarters[2, 30:, :30] = 1
    flag = Sticker(quarters, torch.ones(1, 60, 60), SIGN)
    homography = Pose(200, 55, 20, 8).homography(Camera(400, 300, 300))
    photo = flag.on(torch.rand(1, 3, 300, 300), homography)[0]
    found, within = rectified(photo, homography[0], SIGN, (60, 60))
    assert (found - quarters)[:, 3:-3, 3:-3].abs().mean() < 0.02
    assert torch.allclose(
        within, torch.diag(torch.tensor([1.0, 1, 1])).double() + torch.tensor([[0, 0, 30], [0, 0, 30], [0, 0, 0]])
    )
    upright, _ = cut_out(photo, homography[0], SIGN, (60, 60))
    assert (upright - quarters).abs().mean() > 0.1


def test_a_margin_is_a_share() -> None:
    with pytest.raises(UsageError, match=r"margin=-0.1 must be a share"):
        cut_out(torch.zeros(3, 4, 4), torch.eye(3, dtype=torch.float64), SIGN, (4, 4), margin=-0.1)
