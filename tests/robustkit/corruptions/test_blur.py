import numpy as np
import pytest
import torch
from scipy import ndimage
from skimage import filters

from robustkit.corruptions import blur


def test_gaussian_blur_is_that_of_scikit_image(photo, small, draws):
    for x, sigma in ((photo, 3), (small, 0.7)):
        expected = filters.gaussian(x[1].numpy(), sigma=sigma, channel_axis=0)
        np.testing.assert_allclose(blur.gaussian_blur(x, 3, draws)[1].numpy(), expected, atol=1e-12)


@pytest.mark.parametrize(("radius", "alias_blur"), [(3, 0.1), (8, 0.5), (10, 0.5), (0.3, 0.4), (1.5, 0.1)])
def test_the_kernel_of_defocus_is_a_softened_disk(radius, alias_blur):
    reach, soft = (8, 1) if radius <= 8 else (radius, 2)
    place = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    circle = ((place**2).sum(0) <= radius**2).astype(float)
    expected = ndimage.gaussian_filter(circle / circle.sum(), alias_blur, mode="mirror", radius=soft)
    np.testing.assert_allclose(blur.disk(radius, alias_blur), expected, atol=1e-12)


def test_defocus_convolves_with_it(photo, draws):
    expected = ndimage.correlate(photo[2, 0].numpy(), blur.disk(6, 0.5), mode="mirror")
    np.testing.assert_allclose(blur.defocus_blur(photo, 3, draws)[2, 0].numpy(), expected, atol=1e-12)


def test_motion_blur_goes_another_way_for_every_sample(photo, draws):
    same = photo[:1].expand(4, -1, -1, -1)
    blurred = blur.motion_blur(same, 3, draws)
    assert all(not torch.equal(blurred[0], other) for other in blurred[1:])


def test_zoom_blur_is_a_mean_of_enlargements():
    x = np.random.default_rng(1).random((66, 66))
    factors = np.arange(1, 1.31, 0.03)
    total = x.copy()
    for factor in factors:
        crop = int(np.ceil(66 / factor))
        top = (66 - crop) // 2
        large = ndimage.zoom(x[top : top + crop, top : top + crop], factor, order=1)
        trim = (len(large) - 66) // 2
        total += large[trim : trim + 66, trim : trim + 66]
    found = blur.zoom_blur(torch.from_numpy(x)[None, None], 5, None)
    np.testing.assert_allclose(found[0, 0].numpy(), total / (len(factors) + 1), atol=1e-12)
