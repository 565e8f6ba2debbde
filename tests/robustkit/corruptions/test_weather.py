import torch

from robustkit.corruptions import weather
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


def test_frost_lies_over_the_image(photo, draws):
    assert torch.allclose(weather.frost(photo, 3, draws), 0.7 * photo + 0.7 * frost_texture(64, 70, draws))


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
