import pytest
import torch

from robustkit.corruptions import noise


@pytest.fixture
def grey():
    return torch.full((4, 3, 100, 100), 0.4, dtype=torch.float64)


def test_gaussian_and_speckle_noise_have_the_published_widths(grey, draws):
    for severity, width, share in ((1, 0.08, 0.15), (5, 0.38, 0.6)):
        added = noise.gaussian_noise(grey, severity, draws) - grey
        assert float(added.mean()) == pytest.approx(0, abs=4 * width / 120000**0.5)
        assert float(added.std()) == pytest.approx(width, rel=0.01)
        assert float((noise.speckle_noise(grey, severity, draws) / grey - 1).std()) == pytest.approx(share, rel=0.01)
    assert float((noise.gaussian_noise(grey[..., :28], 5, draws) - 0.4).std()) == pytest.approx(0.1, rel=0.02)


def test_shot_noise_counts_photons(grey, draws):
    counts = noise.shot_noise(grey, 1, draws) * 60
    assert torch.allclose(counts, counts.round(), atol=1e-9)
    assert float(counts.mean()) == pytest.approx(24, rel=0.01)
    assert float(counts.var()) == pytest.approx(24, rel=0.02)
    assert bool((noise.shot_noise(torch.zeros_like(grey), 1, draws) == 0).all())


def test_impulse_noise_is_half_salt_half_pepper(grey, draws):
    noisy = noise.impulse_noise(grey, 4, draws)
    assert float((noisy == 1).double().mean()) == pytest.approx(0.085, abs=0.004)
    assert float((noisy == 0).double().mean()) == pytest.approx(0.085, abs=0.004)
    assert bool(((noisy == 0) | (noisy == 1) | (noisy == 0.4)).all())
