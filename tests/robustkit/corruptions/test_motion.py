import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from robustkit.corruptions.motion import motion


def test_motion_is_half_a_gaussian_along_a_line():
    x = torch.rand(2, 1, 9, 12, dtype=torch.float64)
    angles = torch.tensor([30.0, -80.0], dtype=torch.float64)
    blurred = motion(x, 4, 2.0, angles)
    weights = [math.exp(-(i**2) / 8) for i in range(9)]
    for n, angle in enumerate(angles.tolist()):
        for row, column in ((0, 0), (4, 6), (8, 11)):
            total = 0.0
            for i, weight in enumerate(weights):
                down = math.ceil(i * math.sin(math.radians(angle)) - 0.5)
                right = math.ceil(i * math.cos(math.radians(angle)) - 0.5)
                total += weight * float(x[n, 0, min(max(row + down, 0), 8), min(max(column + right, 0), 11)])
            assert float(blurred[n, 0, row, column]) == pytest.approx(total / sum(weights))


def test_a_line_of_one_pixel_blurs_nothing():
    x = torch.rand(1, 3, 5, 6)
    assert torch.equal(motion(x, 0, 2.0, torch.tensor([77.0]).double()), x)


@pytest.mark.parametrize(("angle", "expected"), [(0.0, [[4, 2], [4, 3], [4, 4]]), (90.0, [[2, 4], [3, 4], [4, 4]])])
def test_angles_run_clockwise_from_the_right(angle, expected):
    """A bright pixel is seen from where the line looks at it: to its left, or above it."""
    x = torch.zeros(1, 1, 9, 9, dtype=torch.float64)
    x[..., 4, 4] = 1
    assert (motion(x, 1, 9.0, torch.tensor([angle]).double())[0, 0] > 0).nonzero().tolist() == expected


@given(angle=st.floats(-360, 360), radius=st.integers(0, 20), sigma=st.floats(0.5, 20), level=st.floats(0, 1))
@settings(max_examples=30, deadline=None)
def test_one_colour_stays_that_colour(angle, radius, sigma, level):
    x = torch.full((1, 1, 6, 7), level, dtype=torch.float64)
    assert torch.allclose(motion(x, radius, sigma, torch.tensor([angle]).double()), x)
