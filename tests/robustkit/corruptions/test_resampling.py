import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage
from skimage import filters

from robustkit.corruptions.resampling import along, bilinear, box_matrix, correlate, gaussian, inside, zoom

NUMBERS = np.random.default_rng(0)


def image(height, width):
    return NUMBERS.random((1, 2, height, width))


@pytest.mark.parametrize(("border", "mode"), [("edge", "edge"), ("mirror", "reflect"), ("symmetric", "symmetric")])
@pytest.mark.parametrize("n", [1, 2, 5])
def test_borders_are_those_of_numpy(border, mode, n):
    known = np.pad(np.arange(n), 4 * n, mode=mode)
    assert inside(torch.arange(-4 * n, 5 * n), n, border).tolist() == known.tolist()


@pytest.mark.parametrize("sigma", [0.05, 0.4, 1.0, 6.0])
def test_gaussian_blur_is_that_of_scikit_image(sigma):
    x = image(13, 20)
    expected = filters.gaussian(x[0], sigma=sigma, channel_axis=0)
    np.testing.assert_allclose(gaussian(torch.from_numpy(x), sigma)[0].numpy(), expected, atol=1e-12)


def test_a_blur_wider_than_the_image_is_that_of_scipy():
    x = image(9, 12)
    expected = ndimage.gaussian_filter(x[0, 0], 15.0, mode="reflect", truncate=3.0)
    found = gaussian(torch.from_numpy(x), 15.0, truncate=3.0, border="symmetric")
    np.testing.assert_allclose(found[0, 0].numpy(), expected, atol=1e-12)


def clipped_zoom(x, factor):
    """The published definition, for a square image."""
    n = len(x)
    crop = int(np.ceil(n / factor))
    top = (n - crop) // 2
    large = ndimage.zoom(x[top : top + crop, top : top + crop], factor, order=1)
    trim = (len(large) - n) // 2
    return large[trim : trim + n, trim : trim + n]


@pytest.mark.parametrize("n", [28, 65])
@pytest.mark.parametrize("factor", [1.0, 1.01, 1.13, 1.75, 2.5, 4.5])
def test_zoom_is_the_published_one(n, factor):
    x = image(n, n)
    np.testing.assert_allclose(zoom(torch.from_numpy(x), factor)[0, 0].numpy(), clipped_zoom(x[0, 0], factor), atol=1e-12)


@pytest.mark.parametrize(("old", "new"), [(28, 18), (18, 28), (224, 56), (224, 134), (7, 7), (5, 1)])
def test_box_resizing_is_that_of_pillow(old, new):
    x = NUMBERS.random((1, old)).astype(np.float32)
    expected = np.asarray(Image.fromarray(x).resize((new, 1), Image.Resampling.BOX))
    found = along(torch.from_numpy(x), box_matrix(old, new), -1)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-6)


def test_correlation_and_interpolation_are_those_of_scipy():
    x = image(6, 8)
    kernel = NUMBERS.normal(size=(5, 3))
    expected = ndimage.correlate(x[0, 0], kernel, mode="mirror")
    np.testing.assert_allclose(correlate(torch.from_numpy(x), kernel)[0, 0].numpy(), expected, atol=1e-12)

    rows, columns = NUMBERS.uniform(-9, 15, (2, 1, 30, 4))
    for border, mode in (("mirror", "mirror"), ("symmetric", "reflect"), ("edge", "nearest")):
        expected = ndimage.map_coordinates(x[0, 1], [rows[0], columns[0]], order=1, mode=mode)
        found = bilinear(torch.from_numpy(x), torch.from_numpy(rows), torch.from_numpy(columns), border)
        np.testing.assert_allclose(found[0, 1].numpy(), expected, atol=1e-12)
    expected = ndimage.map_coordinates(np.pad(x[0, 1], 20, constant_values=0.3), [rows[0] + 20, columns[0] + 20], order=1)
    found = bilinear(torch.from_numpy(x), torch.from_numpy(rows), torch.from_numpy(columns), 0.3)
    np.testing.assert_allclose(found[0, 1].numpy(), expected, atol=1e-12)
