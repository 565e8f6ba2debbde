import torch

from robustkit.physical.drawing.noise import noise
from robustkit.rng import SampleRandom

RANDOM = SampleRandom(0, "test")


def test_a_texture_depends_on_its_id_and_stream_alone():
    both = noise(RANDOM, torch.tensor([3, 4]), (8, 12), (2, 3), octaves=2, stream="a")
    assert both.shape == (2, 1, 8, 12)
    assert torch.allclose(noise(RANDOM, torch.tensor([4]), (8, 12), (2, 3), octaves=2, stream="a"), both[1:])
    assert not torch.allclose(noise(RANDOM, torch.tensor([4]), (8, 12), (2, 3), octaves=2, stream="b"), both[1:])


def test_it_is_centred_and_varies():
    many = noise(RANDOM, torch.arange(200), (16, 16), (4, 4), octaves=3, stream="a")
    assert abs(float(many.mean())) < 0.05
    assert 0.3 < float(many.std()) < 0.8


def test_more_octaves_make_it_rougher():
    def roughness(octaves):
        found = noise(RANDOM, torch.arange(20), (32, 32), (2, 2), octaves=octaves, stream="a")
        return float(found.diff(dim=3).abs().mean())

    assert roughness(4) > 1.5 * roughness(1)
