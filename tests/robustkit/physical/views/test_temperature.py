import pytest
import torch

from robustkit.physical.views import Temperature
from robustkit.physical.views.temperature import _planckian, gains


def test_black_bodies_have_the_colours_of_the_published_locus():
    # Chromaticities (x, y) of the Planckian locus, CIE 1931: at 2856 K standard illuminant A, at 10000 K.
    kelvin = torch.tensor([2856.0, 6500.0, 10000.0], dtype=torch.float64)
    to_xyz = torch.linalg.inv(
        torch.tensor(
            [[3.2404542, -1.5371385, -0.4985314], [-0.969266, 1.8760108, 0.041556], [0.0556434, -0.2040259, 1.0572252]]
        )
    ).double()
    xyz = _planckian(kelvin) @ to_xyz.T
    xy = xyz[:, :2] / xyz.sum(1, keepdim=True)
    expected = torch.tensor([[0.44757, 0.40745], [0.31352, 0.32363], [0.28066, 0.28829]], dtype=torch.float64)
    assert torch.allclose(xy, expected, atol=5e-4)


def test_warm_light_is_redder_at_the_same_luminance():
    warm, neutral, cool = gains(torch.tensor([3000.0, 6504.0, 12000.0]))
    assert warm[0] > 1 > warm[2]
    assert cool[2] > 1 > cool[0]
    assert torch.allclose(neutral, torch.ones(3), atol=1e-6)
    for gain in (warm, cool):
        assert float(gain @ torch.tensor([0.2126729, 0.7151522, 0.0721750])) == pytest.approx(1, abs=1e-6)
    assert bool((gains(torch.tensor([2000.0])) >= 0).all())


def test_kelvin_are_drawn_evenly_as_differences_look(random):
    kelvin = Temperature(kelvin=(4000, 12000)).draw(torch.arange(4000), random)["kelvin"]
    assert 4000 <= float(kelvin.min()) < 4010
    assert 11900 < float(kelvin.max()) <= 12000
    assert float(kelvin.median()) == pytest.approx(6000, rel=0.03)
