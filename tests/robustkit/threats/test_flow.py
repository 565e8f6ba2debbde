import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from robustkit import Threat, UsageError

BOUNDS = (0.0, 1.0)


def images(count=3, channels=2, seed=0):
    return torch.rand(count, channels, 5, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def flow(down, right, count=3):
    return torch.stack([torch.full((5, 4), float(down)), torch.full((5, 4), float(right))]).flatten().repeat(count, 1).double()


def test_no_flow_is_the_image_and_whole_steps_shift_it_with_its_edge_repeated():
    threat, x = Threat.parse("flow:2"), images()
    assert torch.equal(threat.transform(x, flow(0, 0), BOUNDS), x)
    shifted = threat.transform(x, flow(1, -2), BOUNDS)
    assert torch.equal(shifted[:, :, :4, 2:], x[:, :, 1:, :2])
    assert torch.equal(shifted[:, :, 4], shifted[:, :, 3])
    assert torch.equal(shifted[:, :, :, 0], shifted[:, :, :, 1])


def test_half_a_pixel_is_the_mean_of_two():
    x = images()
    moved = Threat.parse("flow:1").transform(x, flow(0.5, 0), BOUNDS)
    torch.testing.assert_close(moved[:, :, :4], (x[:, :, :4] + x[:, :, 1:]) / 2)


def test_membership_needs_a_flow_in_range_that_gives_the_very_image():
    threat, x = Threat.parse("flow:1"), images()
    x_adv = threat.transform(x, flow(1, 1), BOUNDS)
    assert threat.contains(x, x_adv, BOUNDS, flow(1, 1)).all()
    assert not threat.contains(x, x_adv, BOUNDS).any()
    assert not threat.contains(x, x_adv, BOUNDS, flow(1, 0.99)).any()
    assert not threat.contains(x, threat.transform(x, flow(2, 0), BOUNDS), BOUNDS, flow(2, 0)).any()
    assert threat.contains(x, x, BOUNDS).all()


@given(st.integers(0, 2**31), st.floats(0.1, 3))
def test_every_flow_in_range_leads_to_an_image_between_the_pixels_of_the_clean_one(seed, size):
    threat, x = Threat.parse(f"flow:{size}"), images(seed=seed)
    low, high = threat.limits(x)
    share = torch.rand(3, len(low), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    parameters = low + share * (high - low)
    moved = threat.transform(x, parameters, BOUNDS)
    assert threat.contains(x, moved, BOUNDS, parameters).all()
    slack = 1e-12
    assert (moved.flatten(2).amax(2) <= x.flatten(2).amax(2) + slack).all()
    assert (moved.flatten(2).amin(2) >= x.flatten(2).amin(2) - slack).all()


def test_too_far_is_refused():
    with pytest.raises(UsageError, match="at most 16, a displacement in pixels"):
        Threat.parse("flow:17")
