import numpy as np
import pytest
import torch
from scipy import ndimage
from skimage import exposure

from robustkit.corruptions import spatter


def test_distance_to_marked_pixels_is_exact():
    marked = torch.rand(3, 1, 40, 53, generator=torch.Generator().manual_seed(0)) < 0.002
    marked[2] = False
    found = spatter.distance(marked, 20)
    for n in range(2):
        expected = ndimage.distance_transform_edt(~marked[n, 0].numpy())
        np.testing.assert_allclose(found[n, 0].numpy(), np.minimum(expected, 20), atol=1e-12)
    assert bool((found[2] == 20).all())


def test_equalisation_spreads_a_histogram():
    levels = torch.randint(3, 12, (2, 1, 30, 30), generator=torch.Generator().manual_seed(0)).double()
    spread = spatter.equalise(levels, 20)
    assert float(spread.min()) == 0
    assert float(spread.max()) == 255
    expected = exposure.equalize_hist(levels[0].numpy().astype(np.uint8), nbins=256)
    least = (levels[0] == 3).double().mean()
    np.testing.assert_allclose(spread[0].numpy(), 255 * (expected - float(least)) / (1 - float(least)), atol=0.51)


def test_the_rim_of_a_mask():
    mask = torch.zeros(1, 1, 5, 6, dtype=torch.bool)
    mask[..., 1:4, 1:5] = True
    rim = mask.clone()
    rim[..., 2, 2:4] = False
    assert torch.equal(spatter.edges(mask), rim)


def test_a_lens_without_a_drop():
    dry = torch.zeros(1, 1, 8, 8, dtype=torch.float64)
    assert bool((spatter.water(dry, 0.7, 0.5) == 0).all())
    assert bool((spatter.mud(dry, 0.7, 0.6) == 0).all())


def test_drops_lie_where_the_noise_is_above_the_threshold_and_the_brightest_is_as_thick_as_asked():
    noise = torch.zeros(2, 1, 40, 40, dtype=torch.float64)
    noise[0, :, 5:15, 5:20] = noise[1, :, 20:38, 4:30] = 0.9
    drops = spatter.water(noise, 0.7, 0.5)
    assert bool((drops[noise == 0] == 0).all())
    assert drops.flatten(1).amax(1).tolist() == [0.5, 0.5]
    alone = spatter.water(noise[1:], 0.7, 0.5)
    assert torch.equal(alone, drops[1:])


def test_mud_is_opaque_or_absent():
    noise = torch.zeros(1, 1, 40, 40, dtype=torch.float64)
    noise[..., 10:30, 10:30] = 0.9
    cover = spatter.mud(noise, 0.7, 1.0)
    assert bool(((cover == 0) | (cover >= 0.8)).all())
    assert float(cover[0, 0, 20, 20]) == pytest.approx(1)
    assert float(cover[0, 0, 10, 20]) == 0  # the rim is softened away
