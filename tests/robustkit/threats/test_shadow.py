import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from robustkit import Threat, UsageError
from robustkit.colour import srgb_to_linear
from robustkit.threats.shadow import PENUMBRA, depth

BOUNDS = (0.0, 1.0)


def images(seed=0, channels=3):
    return torch.rand(3, channels, 12, 10, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def placed(*numbers):
    return torch.tensor(numbers, dtype=torch.float64).repeat(3, 1)


#: A triangle with the corners (-0.5, -0.5), (1.5, -0.5) and (0.5, 1.5), by half of the light.
HALF = placed(-0.5, -0.5, 1.5, -0.5, 0.5, 1.5, 0.5)


def test_the_depth_in_a_square_is_the_distance_from_its_nearest_side():
    corners = torch.tensor([[[1.0, 1.0], [4.0, 4.0], [4.0, 1.0], [1.0, 4.0]]], dtype=torch.float64)  # crossing, as given
    expected = torch.zeros(5, 6, dtype=torch.float64)
    expected[1:4, 1:4] = 0.5
    expected[2, 2] = 1.5
    assert torch.equal(depth(corners, 5, 6)[0], expected)


@pytest.mark.parametrize("text", ["shadow:0.5", "shadow:1/2,sides=5,targeted", "shadow:50%,sides=12,queries=9"])
def test_the_text_is_kept_as_it_was_written(text):
    assert Threat.parse(text).id == text
    assert Threat.parse("shadow:0.5,sides=3").id == "shadow:0.5"


def test_light_is_halved_well_inside_the_corners_and_nothing_changes_outside():
    threat, x = Threat.parse("shadow:0.5"), images()
    dark = threat.transform(x, HALF, BOUNDS)
    light, before = srgb_to_linear(dark), srgb_to_linear(x)
    torch.testing.assert_close(light[:, :, 1, 5], 0.5 * before[:, :, 1, 5])
    torch.testing.assert_close(light[:, :, 6, 5], 0.5 * before[:, :, 6, 5])
    assert torch.equal(dark[:, :, 11, 0], x[:, :, 11, 0])
    assert torch.equal(dark[:, :, 11, 9], x[:, :, 11, 9])


def test_the_edge_is_a_ramp_of_the_penumbras_width():
    x = torch.ones(1, 1, 40, 40, dtype=torch.float64)
    low, high = -0.5, 1.5
    square = torch.tensor([[0.5, low, high, low, high, high, 0.5, high, 1.0]], dtype=torch.float64)
    light = srgb_to_linear(Threat.parse("shadow:1,sides=4").transform(x, square, BOUNDS))[0, 0, 20, 19:24]
    width = PENUMBRA * 40
    expected = [1.0, 1 - 0.5 / width, 1 - 1.5 / width, 0.0, 0.0]
    torch.testing.assert_close(light, torch.tensor(expected, dtype=torch.float64))


def test_no_light_withheld_or_a_shadow_without_area_is_the_very_image():
    threat, x = Threat.parse("shadow:0.5"), images()
    none = HALF.clone()
    none[:, -1] = 0
    assert torch.equal(threat.transform(x, none, BOUNDS), x)
    assert torch.equal(threat.transform(x, placed(0.1, 0.1, 0.5, 0.5, 0.9, 0.9, 0.5), BOUNDS), x)
    assert torch.equal(threat.transform(x, placed(*[0.4] * 6, 0.5), BOUNDS), x)


def test_bounds_are_those_of_the_model():
    threat, x = Threat.parse("shadow:0.5"), images()
    wide = threat.transform(2 * x - 1, HALF, (-1.0, 1.0))
    torch.testing.assert_close(wide, 2 * threat.transform(x, HALF, BOUNDS) - 1)


@given(st.integers(0, 2**31), st.integers(3, 12), st.sampled_from([1, 3]))
def test_a_witness_in_range_shows_the_image_and_a_shadow_only_darkens(seed, sides, channels):
    threat, x = Threat.parse(f"shadow:0.6,sides={sides}"), images(seed, channels)
    low, high = threat.limits(x)
    share = torch.rand(3, len(low), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    parameters = low + share * (high - low)
    dark = threat.transform(x, parameters, BOUNDS)
    assert threat.contains(x, dark, BOUNDS, parameters).all()
    assert (dark <= x).all()
    assert (srgb_to_linear(dark) >= 0.4 * srgb_to_linear(x) - 1e-12).all()
    order = parameters[:, :-1].reshape(3, sides, 2).roll(1, 1).flatten(1)
    turned = threat.transform(x, torch.cat([order, parameters[:, -1:]], 1), BOUNDS)
    torch.testing.assert_close(turned, dark, atol=1e-9, rtol=0)


def test_an_image_that_the_witness_does_not_show_is_outside():
    threat, x = Threat.parse("shadow:0.5"), images()
    dark = threat.transform(x, HALF, BOUNDS)
    assert not threat.contains(x, dark, BOUNDS).any()
    painted = dark.clone()
    painted[:, :, 11, 0] = 0
    assert not threat.contains(x, painted, BOUNDS, HALF).any()
    darker = HALF.clone()
    darker[:, -1] = 0.6
    assert not threat.contains(x, threat.transform(x, darker, BOUNDS), BOUNDS, darker).any()


def test_gradients_reach_the_corners():
    parameters = HALF.clone().requires_grad_()
    Threat.parse("shadow:0.5").transform(images(), parameters, BOUNDS).sum().backward()
    assert parameters.grad.isfinite().all()
    assert (parameters.grad[:, -1] < 0).all()
    assert (parameters.grad[:, 4:6] != 0).any()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("shadow:1.1", "at most 1, the share of the light"),
        ("shadow:0.5,sides=2", "sides=2 of a shadow threat"),
        ("shadow:0.5,sides=13", "from 3 to 12"),
        ("shadow:0.5,sides=many", "sides='many' of a shadow threat"),
        ("shadow:0.5,side=4", "did you mean 'sides'"),
    ],
)
def test_nonsense_is_refused_in_a_sentence(text, says):
    with pytest.raises(UsageError, match=says):
        Threat.parse(text)
