import torch

from robustkit.corruptions.frost import TINT, frost_texture, needles


def test_ice_covers_without_hiding_and_is_another_for_every_sample(draws):
    texture = frost_texture(64, 70, draws)
    assert (texture.shape, texture.dtype) == ((4, 3, 64, 70), torch.float64)
    assert 0.2 < float(texture.mean()) < 0.7
    assert 0 <= float(texture.min()) < float(texture.max()) <= 1
    assert not torch.equal(texture[0], texture[1])
    assert torch.equal(texture, frost_texture(64, 70, draws))


def test_ice_is_bluish(draws):
    red, green, blue = frost_texture(48, 48, draws).unbind(1)
    clear = (blue < 1) & (red > 0)
    assert torch.allclose(red[clear] / blue[clear], torch.tensor(TINT[0]).double())
    assert torch.allclose(green[clear] / blue[clear], torch.tensor(TINT[1]).double())


def test_needles_are_thin_and_sharp(draws):
    found = needles(60, 45, draws)
    assert found.shape == (4, 1, 60, 45)
    assert 0 <= float(found.min()) < 0.05
    assert 0.95 < float(found.max()) <= 1
    assert float((found > 0.8).double().mean()) < 0.2
