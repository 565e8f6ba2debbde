import torch

from robustkit.physical.drawing.backgrounds import backgrounds
from robustkit.rng import SampleRandom


def test_pictures_are_srgb_and_depend_on_their_ids_alone():
    random = SampleRandom(0, "test")
    many = backgrounds(random, torch.arange(12), (24, 32))
    assert many.shape == (12, 3, 24, 32)
    assert float(many.min()) >= 0
    assert float(many.max()) <= 1
    assert torch.allclose(backgrounds(random, torch.tensor([7]), (24, 32))[0], many[7], atol=1e-6)


def test_no_two_are_alike_and_none_is_plain():
    many = backgrounds(SampleRandom(0, "test"), torch.arange(40), (32, 32))
    assert float(torch.pdist(many.flatten(1)).min()) > 1
    assert float(many.flatten(1).std(1).min()) > 0.01
    assert not torch.allclose(many, backgrounds(SampleRandom(1, "test"), torch.arange(40), (32, 32)), atol=0.1)
