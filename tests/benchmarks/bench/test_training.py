"""A step of adversarial training is measured over bare passes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from robustkit import Model
from robustkit.benchmarks.bench.network import noise
from robustkit.benchmarks.bench.timing import Rounds
from robustkit.benchmarks.bench.training import training


def test_the_weights_and_the_random_state_stay_as_they_are(small: Model, stopwatch: Callable[..., Callable[[], float]]) -> None:
    before = {name: value.clone() for name, value in small.net.state_dict().items()}
    state = torch.random.get_rng_state()
    bench = training(noise(model=small, batch=2), Rounds(1, stopwatch(1, 1)), steps=2)
    assert bench.bars[0].value == 1
    assert bench.bars[0].met
    assert all(torch.equal(value, before[name]) for name, value in small.net.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), state)


def test_the_bar_is_the_ratio_to_one_pass_more_than_the_steps(
    small: Model, stopwatch: Callable[..., Callable[[], float]]
) -> None:
    bench = training(noise(model=small, batch=2), Rounds(1, stopwatch(1.2, 1)), steps=2)
    step, loop = bench.entries
    assert (step.name, loop.name) == ("a training step, recipe pgd:steps=2", "3 bare forward and backward passes")
    assert bench.bars[0].value == step.ratio_to_raw == pytest.approx(1.2)
    assert not bench.bars[0].met
