"""Bare loops make the passes they say, in chunks, and leave the model as it was."""

from __future__ import annotations

import torch
from torch.nn import functional

from robustkit import Model
from robustkit.benchmarks.bench.contender import Ground
from robustkit.benchmarks.bench.raw import Whole, forwards, gradients


def counting(ground: Ground, batch_size: int) -> tuple[Model, list[int]]:
    """The ground's model in batches, and how many images its network is asked about each time."""
    asked: list[int] = []
    net = ground.model.net
    net.register_forward_pre_hook(lambda _, args: asked.append(len(args[0])))
    return Model(net, spec=ground.model.spec, device="cpu", batch_size=batch_size), asked


def test_gradients_are_those_of_the_cross_entropy(ground: Ground) -> None:
    model, asked = counting(ground, 8)
    found = gradients(model, ground.x, ground.y, passes=3)
    leaf = ground.x.clone().requires_grad_()
    functional.cross_entropy(model(leaf), ground.y, reduction="sum").backward()
    assert torch.allclose(found, leaf.grad)
    assert asked[:-1] == [8] * 6 + [4] * 3


def test_forward_passes_end_with_the_logits(ground: Ground) -> None:
    model, asked = counting(ground, 8)
    assert torch.equal(forwards(model, ground.x, passes=2), model.logits(ground.x))
    assert asked[:6] == [8, 8, 8, 8, 4, 4]


def test_passes_of_a_loop_are_not_counted_and_those_of_a_peer_are(ground: Ground) -> None:
    forwards(ground.model, ground.x, passes=2)
    gradients(ground.model, ground.x, ground.y, passes=2)
    assert (ground.model.forwards, ground.model.backwards) == (0, 0)
    Whole(ground.model)(ground.x)
    assert ground.model.forwards == 20


def test_the_network_is_in_the_mode_its_owner_left_it_in(ground: Ground) -> None:
    ground.model.net.train()
    forwards(ground.model, ground.x, passes=1)
    assert ground.model.net.training
