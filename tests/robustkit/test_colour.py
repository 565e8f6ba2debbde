import numpy as np
import pytest
import torch
from skimage import color

from robustkit.colour import hsv_to_rgb, luminance, rgb_to_hsv


@pytest.fixture
def x():
    x = torch.rand(2, 3, 9, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x[0, :, 0, :5] = torch.tensor([[0, 1, 0.4, 1, 0], [0, 1, 0.4, 0, 1], [0, 1, 0.4, 0, 1]], dtype=torch.float64)
    return x


def last(x):
    return x.permute(0, 2, 3, 1).numpy()


def test_hsv_is_that_of_scikit_image(x):
    np.testing.assert_allclose(last(rgb_to_hsv(x)), color.rgb2hsv(last(x)), atol=1e-12)
    np.testing.assert_allclose(last(hsv_to_rgb(x)), color.hsv2rgb(last(x)), atol=1e-12)


def test_there_and_back(x):
    assert torch.allclose(hsv_to_rgb(rgb_to_hsv(x)), x, atol=1e-12)
    turned = rgb_to_hsv(x) + torch.tensor([3.0, 0, 0])[:, None, None]
    assert torch.allclose(hsv_to_rgb(turned), x, atol=1e-12)


def test_the_grey_of_colours_and_of_greys(x):
    assert torch.allclose(luminance(torch.tensor([[1.0, 0.5, 0.25]])[..., None, None]), torch.tensor(0.299 + 0.2935 + 0.0285))
    assert torch.equal(luminance(x[:, :1]), x[:, :1])
