import numpy as np
import pytest
import torch
from scipy import ndimage
from skimage import exposure

from robustkit.corruptions import spatter, weather
from robustkit.corruptions.frost import frost_texture


def test_fog_is_never_brighter_than_the_image(photo, draws):
    dark = 0.5 * photo
    fogged = weather.fog(dark, 3, draws)
    assert bool((fogged.amax((1, 2, 3)) <= dark.amax((1, 2, 3)) + 1e-12).all())
    # What an image x and clouds p give is (x + 2.5 p) m / (m + 2.5), so the difference to fogging black is x times a factor.
    other = weather.fog(torch.where(dark == dark.amax((1, 2, 3), keepdim=True), dark, 0), 3, draws)
    most = dark.amax((1, 2, 3), keepdim=True)
    rest = dark != most
    assert torch.allclose((fogged - other)[rest], (dark * most / (most + 2.5))[rest])


def test_snow_falls_on_black_and_pales_colours(draws):
    black = torch.zeros(4, 3, 64, 64, dtype=torch.float64)
    flakes = weather.snow(black, 3, draws) - (1 - 0.7) * 0.5
    assert float(flakes.min()) > -1e-12
    assert torch.allclose(flakes, flakes.flip(-2, -1))  # every flake twice, the second time upside down
    assert 0.02 < float((flakes > 0.1).double().mean()) < 0.6


def test_frost_covers_without_hiding(photo, draws):
    texture = frost_texture(64, 70, draws)
    assert texture.shape == (4, 3, 64, 70)
    assert 0.2 < float(texture.mean()) < 0.7
    assert float(texture.min()) >= 0
    assert float(texture.max()) <= 1
    assert torch.allclose(weather.frost(photo, 3, draws), 0.7 * photo + 0.7 * texture)
    assert not torch.equal(texture[0], texture[1])


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


def test_water_brightens_and_mud_covers(photo, draws):
    water = weather.spatter(photo, 1, draws) - photo
    assert float(water.min()) >= 0
    assert 0.01 < float((water > 0.05).double().mean()) < 0.6
    assert torch.allclose(water[:, 0] * 238, water[:, 1] * 175, atol=1e-9)
    muddy = weather.spatter(photo, 5, draws)
    changed = (muddy != photo).any(1)
    assert 0.05 < float(changed.double().mean()) < 0.6
    deep = (muddy - torch.tensor(weather.MUD)[:, None, None]).abs().amax(1) < 0.2
    assert bool(deep[changed].all())


@pytest.mark.parametrize("severity", [1, 5])
def test_a_lens_without_a_drop(severity):
    dry = torch.zeros(1, 1, 8, 8, dtype=torch.float64)
    assert bool((spatter.water(dry, 0.7, 0.5) == 0).all())
    assert bool((spatter.mud(dry, 0.7, 0.6) == 0).all())
