import math

import pytest
import torch

from robustkit.colour import linear_to_srgb, srgb_to_linear
from robustkit.physical.views import Defocus


def point(size, radius):
    """What a point of light 1 becomes, in linear light ``(size, size)``."""
    x = torch.zeros(1, 3, size, size, dtype=torch.float64)
    x[..., size // 2, size // 2] = 1
    view = Defocus(radius_px=(0, radius))
    return srgb_to_linear(view(x, {"radius_px": torch.tensor([radius], dtype=torch.float64)}))[0, 0]


@pytest.mark.parametrize("radius", [0.0, 0.7, 1.0, 3.3, 6.0])
def test_a_point_becomes_a_disc_of_the_same_light(radius):
    spread = point(17, radius)
    assert float(spread.sum()) == pytest.approx(1, abs=1e-9)
    assert torch.allclose(spread, spread.T)
    assert torch.allclose(spread, spread.flip(0))
    assert float(spread[8, 8]) == pytest.approx(float(spread.max()))
    if radius >= 3:
        assert float(spread[8, 8]) == pytest.approx(1 / (math.pi * radius**2), rel=0.03)
        assert float(spread[8, 8 + int(radius) + 1 :][1:].sum()) == 0


def test_light_is_averaged_and_not_its_code_values():
    x = torch.tensor([0.0, 1.0]).repeat(8)[None, None, None].expand(1, 3, 16, 16).clone()
    blurred = Defocus(radius_px=(5, 5))(x, {"radius_px": torch.tensor([5.0])})
    assert float(blurred[..., 5:11].mean()) == pytest.approx(float(linear_to_srgb(torch.tensor(0.5))), abs=0.01)
