import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from robustkit import Threat, UsageError
from robustkit.colour import srgb_to_linear
from robustkit.threats.sensor import content_key

BOUNDS = (0.0, 1.0)
NOTHING = torch.zeros(1, 6, dtype=torch.float64)


def images(count=3, seed=0, channels=3, dtype=torch.float64):
    return torch.rand(count, channels, 24, 20, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def camera(**errors):
    names = ("stops", "radius", "length", "angle", "shot", "read")
    return torch.tensor([[errors.get(name, 0.0) for name in names]], dtype=torch.float64)


def point():
    """One pixel of light in the middle of a black image."""
    x = torch.zeros(1, 1, 21, 21, dtype=torch.float64)
    x[..., 10, 10] = 1
    return x


@pytest.mark.parametrize("bounds", [(0.0, 1.0), (-1.0, 1.0)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_camera_without_errors_gives_the_image(bounds, dtype):
    x = bounds[0] + (bounds[1] - bounds[0]) * images(dtype=dtype)
    taken = Threat.parse("sensor:0.5").transform(x, NOTHING.expand(3, 6), bounds)
    torch.testing.assert_close(taken, x, atol=1e-6, rtol=0)


def test_a_stop_doubles_the_light_until_it_saturates():
    x = images()
    taken = Threat.parse("sensor:0.5").transform(x, camera(stops=1).expand(3, 6), BOUNDS)
    torch.testing.assert_close(srgb_to_linear(taken), (2 * srgb_to_linear(x)).clamp(0, 1), atol=1e-6, rtol=0)


def test_defocus_spreads_a_point_over_a_disc():
    light = srgb_to_linear(Threat.parse("sensor:1").transform(point(), camera(radius=0.05), BOUNDS))[0, 0]
    assert float(light.sum()) == pytest.approx(1, abs=1e-4)
    lit = light > 1e-4
    assert lit.sum() == 9  # a radius of 1.05 pixels
    assert lit[9:12, 9:12].all()
    torch.testing.assert_close(light, light.T)


@pytest.mark.parametrize(("angle", "row", "column"), [(0, 10, 11), (90, 11, 10)])
def test_motion_spreads_a_point_along_its_angle(angle, row, column):
    light = srgb_to_linear(Threat.parse("sensor:1").transform(point(), camera(length=0.1, angle=angle), BOUNDS))[0, 0]
    lit = light > 1e-4
    assert lit.sum() == 3
    assert lit[10, 10]
    assert lit[row, column]


def test_the_noise_field_is_a_function_of_the_clean_image():
    threat, x = Threat.parse("sensor:1"), images(2)
    x[1] = x[0]
    x[1, 0, 0, 0] = (x[0, 0, 0, 0] + 0.5) % 1
    weak, strong = (threat.transform(x, camera(read=read).expand(2, 6), BOUNDS) for read in (0.01, 0.02))
    field = srgb_to_linear(weak) - srgb_to_linear(x)
    double = srgb_to_linear(strong) - srgb_to_linear(x)
    middle = (srgb_to_linear(x) > 0.1) & (srgb_to_linear(x) < 0.9)
    torch.testing.assert_close(double[middle], 2 * field[middle])
    assert not torch.allclose(field[0][:, 1:], field[1][:, 1:])


def test_the_noise_has_the_stated_deviations():
    threat, grey = Threat.parse("sensor:1"), torch.full((1, 3, 64, 64), 0.5, dtype=torch.float64)
    light = float(srgb_to_linear(grey)[0, 0, 0, 0])
    shot = srgb_to_linear(threat.transform(grey, camera(shot=0.1), BOUNDS)) - light
    read = srgb_to_linear(threat.transform(grey, camera(read=0.02), BOUNDS)) - light
    assert float(shot.std()) == pytest.approx(0.1 * light**0.5, rel=0.05)
    assert float(read.std()) == pytest.approx(0.02, rel=0.05)


def test_a_key_depends_on_every_pixel_and_not_on_the_batch():
    x = images(3)
    keys = content_key(x)
    assert keys.tolist() == [int(content_key(one[None])) for one in x]
    assert torch.equal(content_key(x.float()), keys)
    for place in ((0, 0, 0), (2, 23, 19), (1, 7, 3)):
        other = x.clone()
        other[(slice(None), *place)] = (other[(slice(None), *place)] + 0.5) % 1
        assert (content_key(other) != keys).all()
    assert ((keys >= 0) & (keys < 2**31)).all()


@given(st.integers(0, 2**31), st.floats(0.01, 1), st.sampled_from([1, 3]), st.sampled_from([torch.float32, torch.float64]))
def test_a_witness_in_range_shows_the_image(seed, size, channels, dtype):
    threat, x = Threat.parse(f"sensor:{size}"), images(3, seed, channels, dtype)
    low, high = threat.limits(x)
    share = torch.rand(3, 6, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    parameters = low + share * (high - low)
    taken = threat.transform(x, parameters, BOUNDS)
    assert threat.contains(x, taken, BOUNDS, parameters).all()
    assert not threat.contains(x, taken, BOUNDS).any()
    assert not threat.contains(x, taken, BOUNDS, parameters + (high - low)).any()


def test_more_than_the_largest_strength_is_refused():
    with pytest.raises(UsageError, match="at most 1, the strength of the camera's errors"):
        Threat.parse("sensor:1.5")
