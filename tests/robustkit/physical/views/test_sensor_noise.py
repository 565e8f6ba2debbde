import pytest
import torch

from robustkit.colour import linear_to_srgb, srgb_to_linear
from robustkit.physical.views import SensorNoise


def added(light, shot, read, key=5):
    x = linear_to_srgb(torch.full((1, 3, 128, 128), light, dtype=torch.float64))
    parameters = {"shot": torch.tensor([shot]).double(), "read": torch.tensor([read]).double(), "key": torch.tensor([key])}
    return srgb_to_linear(SensorNoise()(x, parameters)) - light


@pytest.mark.parametrize(("light", "shot", "read"), [(0.5, 0.001, 0.0), (0.2, 0.0, 0.01), (0.3, 0.002, 0.02)])
def test_the_variance_is_that_of_photons_and_of_reading(light, shot, read):
    noise = added(light, shot, read)
    expected = shot * light + read**2
    assert float(noise.var()) == pytest.approx(expected, rel=0.03)
    assert float(noise.mean()) == pytest.approx(0, abs=4 * (expected / noise.numel()) ** 0.5)
    assert abs(float(torch.corrcoef(noise[0].flatten(1))[0, 1])) < 0.03


def test_samples_steps_and_seeds_have_their_own_noise(random):
    keys = SensorNoise().draw(torch.arange(1000), random)["key"]
    assert len(set(keys.tolist())) == 1000
    assert not torch.equal(added(0.5, 0.001, 0, 1), added(0.5, 0.001, 0, 2))
    assert torch.equal(added(0.5, 0.001, 0, 1), added(0.5, 0.001, 0, 1))


def test_the_sensor_clips():
    assert float(added(1.0, 0.01, 0.05).max()) <= 1e-9
    assert float(added(0.0, 0.01, 0.05).min()) >= 0
