import pytest
import torch

from robustkit.corruptions import Draws
from robustkit.rng import SampleRandom


@pytest.fixture
def draws():
    """The draws of four samples."""
    return Draws(random=SampleRandom(0, "test"), sample_ids=torch.arange(4), number=0, name="test")


@pytest.fixture
def photo():
    """Four smooth colour images of 64 x 70, float64: large enough for ImageNet-C's strengths."""
    return smooth(4, 3, 64, 70)


@pytest.fixture
def small():
    """Four smooth colour images of 28 x 28, float64."""
    return smooth(4, 3, 28, 28)


def smooth(*shape):
    x = torch.rand(shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    x = torch.nn.functional.avg_pool2d(x, 5, stride=1, padding=2, count_include_pad=False)
    low, high = x.amin((2, 3), keepdim=True), x.amax((2, 3), keepdim=True)
    return (x - low) / (high - low)
