import numpy as np
import pytest
import torch

from robustkit.rng import SampleRandom


@pytest.fixture
def random():
    return SampleRandom(0, "test")


@pytest.fixture
def photos():
    """Four pictures ``(4, 3, 50, 66)`` with what photographs have: gradients, sharp edges, fine texture, saturated colours."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:50, :66] / 66
    pictures = []
    for k in range(4):
        sky = np.stack([0.3 + 0.4 * x, 0.45 + 0.3 * y, 0.8 - 0.3 * x], 0)
        disc = np.hypot(x - 0.3 - 0.1 * k, y - 0.35) < 0.25
        bar = (np.abs(x - y - 0.1 * k + 0.1) < 0.06) & disc
        picture = np.where(disc, np.array([0.75, 0.1, 0.12])[:, None, None], sky)
        picture = np.where(bar, 0.95, picture) * (0.6 + 0.12 * k)
        grain = rng.normal(0, 0.02, (1, 50, 66)) * (y > 0.45)
        pictures.append(picture + grain)
    return torch.tensor(np.stack(pictures)).float().clamp(0, 1)
