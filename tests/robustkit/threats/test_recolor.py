import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from robustkit import Threat, UsageError
from robustkit.threats.recolor import KNOTS

BOUNDS = (0.0, 1.0)


def images(channels, seed=0):
    x = torch.rand(3, channels, 4, 5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    x[:, :, 0, 0], x[:, :, 0, 1] = 0, 1
    return x


def knots(channels, *offset):
    return torch.tensor(offset, dtype=torch.float64).repeat(3, KNOTS**channels)


@pytest.mark.parametrize("channels", [1, 3])
def test_no_offset_is_the_image_and_one_for_all_colours_is_added(channels):
    threat, x = Threat.parse("recolor:0.2"), images(channels)
    assert torch.equal(threat.transform(x, knots(channels, *[0.0] * channels), BOUNDS), x)
    offset = [0.1, -0.2, 0.05][:channels]
    expected = (x + torch.tensor(offset, dtype=torch.float64)[:, None, None]).clamp(0, 1)
    torch.testing.assert_close(threat.transform(x, knots(channels, *offset), BOUNDS), expected)


def test_an_offset_at_one_knot_moves_the_colours_around_it_alone():
    x = torch.linspace(0, 1, 11, dtype=torch.float64).reshape(1, 1, 1, 11)
    parameters = torch.zeros(1, KNOTS, dtype=torch.float64)
    parameters[0, 2] = 0.1  # at 0.4 of the range
    moved = Threat.parse("recolor:0.1").transform(x, parameters, BOUNDS) - x
    torch.testing.assert_close(moved.flatten(), torch.tensor([0, 0, 0, 0.05, 0.1, 0.05, 0, 0, 0, 0, 0], dtype=torch.float64))


def test_an_offset_is_a_share_of_the_bounds():
    x = 255 * images(1)
    moved = Threat.parse("recolor:0.1").transform(x, knots(1, 0.1), (0.0, 255.0))
    torch.testing.assert_close(moved, (x + 25.5).clamp(0, 255))


@given(st.integers(0, 2**31), st.sampled_from([1, 3]))
def test_equal_colours_stay_equal_and_no_channel_moves_farther_than_the_size(seed, channels):
    threat, x = Threat.parse("recolor:0.1"), images(channels, seed)
    x[:, :, 3, 4] = x[:, :, 2, 1]
    low, high = threat.limits(x)
    share = torch.rand(3, len(low), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    parameters = low + share * (high - low)
    moved = threat.transform(x, parameters, BOUNDS)
    assert torch.equal(moved[:, :, 3, 4], moved[:, :, 2, 1])
    assert float((moved - x).abs().max()) <= 0.1 + 1e-12
    assert threat.contains(x, moved, BOUNDS, parameters).all()
    other = torch.where(parameters > 0, parameters - 0.1, parameters + 0.1)
    assert not threat.contains(x, moved, BOUNDS, other).any()


def test_more_than_all_colours_is_refused():
    with pytest.raises(UsageError, match="at most 1, an offset as a share"):
        Threat.parse("recolor:1.1")
