import torch

from robustkit import Threat
from robustkit.attacks.decision.noise import coarsen, uniform_noise
from robustkit.contracts.classification import CLASSIFICATION
from robustkit.contracts.samples import Samples
from robustkit.engine.stepping import Batch
from robustkit.rng import SampleRandom


def batch(ids: list[int], shape=(3, 7, 10)) -> Batch:
    rows = torch.tensor(ids)
    return Batch(
        samples=Samples(torch.zeros(len(ids), *shape), rows * 0, rows),
        criterion=CLASSIFICATION,
        attempt=rows * 0,
        clean_logits=None,
        threat=Threat.parse("l2:1"),
        bounds=(0.0, 1.0),
        random=SampleRandom(0, "test"),
    )


def test_noise_is_uniform_and_differs_by_sample():
    noise = uniform_noise(batch(list(range(200))), step=3)
    assert noise.shape == (200, 3, 7, 10)
    assert noise.min() == -1
    assert noise.max() == 1
    assert abs(noise.mean()) < 0.01
    assert abs(noise.var() - 1 / 3) < 0.01
    alone = uniform_noise(batch([7]), step=torch.tensor([3]))
    assert torch.equal(alone[0], noise[7])
    assert not torch.equal(uniform_noise(batch([7]), step=4), alone)


def test_coarse_noise_cycles_through_block_sizes():
    noise = uniform_noise(batch([0] * 6), step=0)
    coarse = coarsen(noise, torch.arange(6))
    assert torch.equal(coarse[0], noise[0])
    assert torch.equal(coarse[1, :, 0:2, 0:2], noise[1, :, :1, :1].expand(-1, 2, 2))
    assert torch.equal(coarse[2, :, 4:7, 8:10], noise[2, :, 4:5, 8:9].expand(-1, 3, 2))
    assert torch.equal(coarse[4], noise[4, :, :1, :1].expand(-1, 7, 10))
    assert torch.equal(coarse[5], noise[5])
