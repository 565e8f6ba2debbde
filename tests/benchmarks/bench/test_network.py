"""Noise and a network with random weights, the same for the same seed."""

from __future__ import annotations

import torch

from robustkit import Model
from robustkit.benchmarks.bench.network import CLASSES, SIZE, noise, resnet


def test_noise_is_a_function_of_the_seed(small: Model) -> None:
    one, same, other = (noise(model=small, batch=3, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(one.x, same.x)
    assert torch.equal(one.y, same.y)
    assert not torch.equal(one.x, other.x)
    assert one.x.shape == (3, 3, SIZE, SIZE)
    assert 0 <= float(one.x.min()) < float(one.x.max()) < 1
    assert bool(((one.y >= 0) & (one.y < CLASSES)).all())
    assert one.ids.tolist() == [0, 1, 2]


def test_a_larger_batch_begins_with_the_smaller_one(small: Model) -> None:
    assert torch.equal(noise(model=small, batch=5).x[:3], noise(model=small, batch=3).x)


def test_the_network_leaves_the_random_state_as_it_was() -> None:
    state = torch.random.get_rng_state()
    model = resnet("cpu", 3)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert model.logits(torch.rand(1, 3, SIZE, SIZE)).shape == (1, CLASSES)
    assert model.fingerprint() == resnet("cpu", 3).fingerprint()
