import pytest
import torch

from robustkit.colour import srgb_to_linear
from robustkit.physical.views import MotionBlur


def streak(length, angle):
    """What a point of light 1 in the middle of 15 x 15 pixels becomes, in linear light."""
    x = torch.zeros(1, 3, 15, 15, dtype=torch.float64)
    x[..., 7, 7] = 1
    view = MotionBlur(length_px=(0, length))
    parameters = {"length_px": torch.tensor([length]).double(), "angle_deg": torch.tensor([angle]).double()}
    return srgb_to_linear(view(x, parameters))[0, 0]


def test_a_point_becomes_a_line_of_the_same_light():
    across = streak(4.0, 0.0)
    assert torch.allclose(across[7, 4:11], torch.tensor([0, 0.5, 1, 1, 1, 0.5, 0]).double() / 4, atol=1e-9)
    assert float(across.sum()) == pytest.approx(1)
    assert torch.allclose(streak(4.0, 90.0), across.T, atol=1e-9)
    assert torch.allclose(streak(4.0, 180.0), across, atol=1e-9)


@pytest.mark.parametrize("angle", [0.0, 30.0, 45.0, 77.0, 135.0])
def test_the_streak_has_the_variance_of_its_length_in_its_direction(angle):
    line = streak(8.0, angle)
    y, x = torch.meshgrid(torch.arange(15.0) - 7, torch.arange(15.0) - 7, indexing="ij")
    turn = torch.deg2rad(torch.tensor(angle))
    along = x * turn.cos() + y * turn.sin()
    across = y * turn.cos() - x * turn.sin()
    assert float((line * along**2).sum()) == pytest.approx(8**2 / 12, rel=0.1)
    assert float((line * across**2).sum()) < 0.3


def test_no_length_is_no_blur():
    for angle in (0.0, 20.0, 45.0):
        assert float(streak(0.0, angle)[7, 7]) == pytest.approx(1)
