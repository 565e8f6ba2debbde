import numpy as np
import pytest
import torch
from skimage import color

from robustkit.colour import hsv_to_rgb, linear_to_srgb, luminance, rgb_to_hsv, srgb_to_lab, srgb_to_linear


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


def test_linear_light_there_and_back(x):
    for convert in (srgb_to_linear, linear_to_srgb):
        assert torch.equal(convert(torch.tensor([0.0, 1.0])), torch.tensor([0.0, 1.0]))
    assert srgb_to_linear(torch.tensor(0.5, dtype=torch.float64)).item() == pytest.approx(0.21404114, abs=1e-8)
    assert torch.allclose(linear_to_srgb(srgb_to_linear(x)), x, atol=1e-7)


def test_lab_is_that_of_scikit_image(x):
    np.testing.assert_allclose(last(srgb_to_lab(x)), color.rgb2lab(last(x)), atol=1e-3)
    assert torch.equal(srgb_to_lab(x.movedim(1, 3), dim=-1).movedim(3, 1), srgb_to_lab(x))


@pytest.mark.parametrize("convert", [srgb_to_linear, linear_to_srgb, srgb_to_lab])
def test_the_slope_is_finite_at_black_and_at_the_bends(convert):
    x = torch.tensor([0.0, 1e-9, 0.0031308, 0.04045, 1.0])[None, :, None].expand(3, -1, 2).clone().requires_grad_()
    (gradient,) = torch.autograd.grad(convert(x).pow(2).sum() + convert(x).sum(), x)
    assert gradient.isfinite().all()
    assert (gradient != 0).any(0).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_colour_is_converted_alike_wherever_in_a_batch_it_stands(dtype):
    x = torch.rand(10, 3, 6, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)
    for convert in (srgb_to_linear, linear_to_srgb):
        assert torch.equal(torch.cat([convert(one) for one in x.split(1)]), convert(x))
