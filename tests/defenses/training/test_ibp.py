"""Interval bounds hold for every image inside the ball, and are exact for one layer."""

from dataclasses import replace

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given, settings
from torch import nn
from torch.nn import functional

from robustkit import InputSpec, Model
from robustkit.build import recipe
from robustkit.defenses.training.ibp import bounds
from robustkit.errors import UsageError
from robustkit.threats import Threat


def test_the_bounds_of_a_linear_layer_are_exact():
    layer = nn.Linear(2, 1)
    layer.weight.data, layer.bias.data = torch.tensor([[2.0, -3.0]]), torch.tensor([1.0])
    low, high = bounds(layer, torch.tensor([[0.0, 0.0]]), torch.tensor([[1.0, 2.0]]))
    assert (low.item(), high.item()) == (-5.0, 3.0)


@pytest.mark.parametrize("padding", [0, 1])
def test_the_bounds_of_a_convolution_are_exact(padding):
    layer = nn.Conv2d(1, 1, (1, 2), padding=(0, padding))
    layer.weight.data, layer.bias.data = torch.tensor([[[[2.0, -1.0]]]]), torch.tensor([0.5])
    low, high = bounds(layer, torch.tensor([[[[0.0, 1.0]]]]), torch.tensor([[[[2.0, 4.0]]]]))
    # 2 * first - second + 0.5; with padding also 0.5 - first and 2 * second + 0.5
    middle = [-3.5], [3.5]
    around = [-1.5, -3.5, 2.5], [0.5, 3.5, 8.5]
    assert (low.flatten().tolist(), high.flatten().tolist()) == (around if padding else middle)


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


def test_a_step_is_one_pass_on_the_images_beside_their_bounds(watched):
    made = watched("linf:0.1")
    images = made.step(recipe("ibp"))
    assert torch.equal(images, made.batch.x)
    assert made.model.forwards == 0  # no attack


@pytest.mark.parametrize(("progress", "eps", "weight"), [(0.1, 0.02, 0.1), (0.25, 0.05, 0.25), (0.5, 0.1, 0.5), (1, 0.1, 0.5)])
def test_eps_and_the_weight_of_the_worst_logits_grow_together(watched, progress, eps, weight):
    made = watched("linf:0.1")
    x, y, net = made.batch.x, made.batch.y, made.model.net
    low, high = bounds(net, (x - eps).clamp(0, 1), (x + eps).clamp(0, 1))
    own = torch.arange(4) == y[:, None]
    clean, worst = functional.cross_entropy(net(x), y), functional.cross_entropy(torch.where(own, low, high), y)
    assert clean < worst
    loss = recipe("ibp:warmup=0.5").loss(replace(made.batch, progress=progress))
    assert loss.item() == pytest.approx(((1 - weight) * clean + weight * worst).item(), rel=1e-5)


def test_one_logit_is_that_of_the_second_class(watched):
    made = watched("linf:0.1")
    net = nn.Sequential(nn.Flatten(), nn.Linear(36, 1))
    model = Model(net, spec=InputSpec(channels=1), device="cpu")
    batch = replace(made.batch, y=made.batch.y % 2, model=model, forward=model.logits, num_classes=2)
    two = nn.Sequential(nn.Flatten(), nn.Linear(36, 2))
    for name in ("weight", "bias"):
        one = getattr(net[1], name).data
        getattr(two[1], name).data = torch.cat([torch.zeros_like(one), one])
    other = Model(two, spec=InputSpec(channels=1), device="cpu")
    losses = [recipe("ibp").loss(each) for each in (batch, replace(batch, model=other, forward=other.logits))]
    assert torch.allclose(*losses)


@pytest.mark.parametrize("threat", ["l2:1", "linf:0.1,targeted", "flow:1"])
def test_other_threats_are_refused(threat):
    with pytest.raises(UsageError, match="untargeted linf threats"):
        recipe("ibp:warmup=0").check(Threat.parse(threat))


@pytest.mark.parametrize("layer", [nn.BatchNorm2d(1), nn.Conv2d(1, 1, 1, padding=1, padding_mode="circular"), nn.GELU()])
def test_a_layer_without_bounds_is_named(layer):
    with pytest.raises(UsageError, match=f"cannot bound the layer {type(layer).__name__}"):
        bounds(nn.Sequential(layer), torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2))
