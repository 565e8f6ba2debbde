"""Masks keep the predictions and take away or falsify the gradient."""

import pytest
import torch

from robustkit.benchmarks.zoo import masks
from robustkit.benchmarks.zoo.members import MEMBERS
from robustkit.benchmarks.zoo.networks import cnn
from robustkit.losses import margin

MASKS = [member.mask for member in MEMBERS if member.mask is not None]


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return cnn(8).eval()


@pytest.fixture(scope="module")
def x():
    return torch.rand(32, 1, 28, 28, generator=torch.Generator().manual_seed(1))


def gradient(net, x):
    leaf = x.clone().requires_grad_()
    logits = net(leaf)
    y = logits.argmax(1)
    (grad,) = torch.autograd.grad(margin(logits, y).sum(), leaf)
    return grad


@pytest.mark.parametrize("mask", [masks.ScaledLogits, masks.RoundedInput, masks.CoarselyRoundedInput, masks.CompressedInput])
def test_most_predictions_stay(net, x, mask):
    masked = mask(net)
    assert (masked(x).argmax(1) == net(x).argmax(1)).float().mean() > 0.7
    assert torch.equal(masked(x), masked(x))


@pytest.mark.parametrize("mask", MASKS)
def test_a_certain_network_keeps_every_prediction(mask):
    """Each class is a bright row on a dark background; the brightest row is the prediction."""
    rows = torch.arange(10)
    x = 0.2 * torch.rand(10, 1, 28, 28, generator=torch.Generator().manual_seed(2))
    x[rows, 0, 2 * rows] = 0.9
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
    net[1].weight.data = torch.eye(28)[2 * rows].repeat_interleave(28, 1)
    assert torch.equal(net(x).argmax(1), rows)
    assert torch.equal(mask(net)(x).argmax(1), rows)


@pytest.mark.parametrize("mask", [masks.RoundedInput, masks.CoarselyRoundedInput, masks.CompressedInput])
def test_no_gradient_passes(net, x, mask):
    assert not gradient(mask(net), x).any()


def test_a_steep_sigmoid_leaves_few_elements_with_a_gradient(net, x):
    alive = (gradient(masks.SaturatedInput(net), x).abs() > 1e-12).float().mean()
    assert 0 < alive < 0.1


def test_scaled_logits_saturate_the_softmax():
    logits = masks.ScaledLogits(torch.nn.Identity())(torch.tensor([[0.0, 1.0], [3.0, 1.0]]))
    assert torch.equal(logits.softmax(1), torch.tensor([[0.0, 1.0], [1.0, 0.0]]))


def test_a_detached_branch_leaves_the_gradient_of_the_weak_one(net, x):
    masked = masks.DetachedBranch(net)
    strong, shown = gradient(net, x).flatten(1), gradient(masked, x).flatten(1)
    assert torch.cosine_similarity(strong, shown, dim=1).mean().abs() < 0.2
    assert torch.allclose(masked(x), net(x) + x.flatten(1) @ masked.weak.T)


@pytest.mark.parametrize("mask", [masks.NoisyInput, masks.DroppedInput])
def test_random_masks_differ_between_queries(net, x, mask):
    masked = mask(net)
    assert not torch.equal(masked(x), masked(x))
