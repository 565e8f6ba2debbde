"""Interval bounds hold for every image inside the ball, and are exact for one layer."""

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given, settings
from torch import nn

from robustkit.build import recipe
from robustkit.defenses.training.ibp import bounds
from robustkit.errors import UsageError
from robustkit.threats import Threat


def test_the_bounds_of_a_linear_layer_are_exact():
    layer = nn.Linear(2, 1)
    layer.weight.data, layer.bias.data = torch.tensor([[2.0, -3.0]]), torch.tensor([1.0])
    low, high = bounds(layer, torch.tensor([[0.0, 0.0]]), torch.tensor([[1.0, 2.0]]))
    assert (low.item(), high.item()) == (-5.0, 3.0)


def test_activations_are_bounded_by_their_ends():
    low, high = bounds(nn.ReLU(), torch.tensor([[-1.0, 2.0]]), torch.tensor([[1.0, 3.0]]))
    assert (low.tolist(), high.tolist()) == ([[0.0, 2.0]], [[1.0, 3.0]])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.floats(0, 0.5))
def test_every_image_inside_is_within_the_bounds(seed, eps):
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        net = nn.Sequential(nn.Conv2d(1, 3, 3, 2, 1), nn.ReLU(), nn.Conv2d(3, 2, 2), nn.Tanh(), nn.Flatten(), nn.Linear(8, 4))
        x = torch.rand(5, 1, 6, 6)
        low, high = bounds(net, x - eps, x + eps)
        inside = net(x + eps * (2 * torch.rand(5, 1, 6, 6) - 1))
    assert (low <= inside + 1e-5).all()
    assert (inside <= high + 1e-5).all()


def test_at_the_start_only_the_clean_loss_counts_and_at_the_end_the_worst_one_too(watched):
    made = watched("linf:0.1")
    images = made.step(recipe("ibp"))
    assert torch.equal(images, made.batch.x)
    assert made.model.forwards == 0  # no attack
    clean, robust = (recipe("standard").loss(watched(None).batch), recipe("ibp").loss(watched("linf:0.1").batch))
    assert robust > clean


@pytest.mark.parametrize("threat", ["l2:1", "linf:0.1,targeted", "flow:1"])
def test_other_threats_are_refused(threat):
    with pytest.raises(UsageError, match="untargeted linf threats"):
        recipe("ibp:warmup=0").check(Threat.parse(threat))


def test_a_layer_without_bounds_is_named():
    with pytest.raises(UsageError, match="cannot bound the layer BatchNorm2d"):
        bounds(nn.Sequential(nn.BatchNorm2d(1)), torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2))
