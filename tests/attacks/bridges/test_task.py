import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from robustkit import InputSpec, Model, UsageError
from robustkit.attacks.bridges.task import Metered, Task, share


class Sum(nn.Module):
    """Logits ``(0, sum of the pixels)``."""

    def forward(self, x):
        return torch.stack([0 * x.flatten(1).sum(1), x.flatten(1).sum(1)], dim=1)


class Dice(nn.Module):
    """Logits ``(0, u)`` with random u."""

    def forward(self, x):
        return torch.stack([torch.zeros(len(x)), torch.randint(1, 7, (len(x),)).float()], dim=1)


def model(net=None, **given):
    return Model(net or Sum(), spec=InputSpec(channels=1), device="cpu", **given)


def test_the_library_sees_the_unit_interval_whatever_the_bounds():
    network = Metered(model(bounds=(-1.0, 3.0)), None, "")
    assert network(torch.tensor([0.0, 0.25, 1.0])[:, None, None, None])[:, 1].tolist() == [-1, 0, 3]


def test_a_pass_over_the_limit_is_refused_before_it_is_made():
    asked = model()
    network = Metered(asked, 5, "asks too much")
    network(torch.rand(3, 1, 2, 2))
    with pytest.raises(UsageError, match="asks too much"):
        network(torch.rand(3, 1, 2, 2))
    assert asked.forwards == 3
    network(torch.rand(2, 1, 2, 2))
    assert asked.forwards == 5


def test_gradients_that_are_not_finite_are_counted():
    network = Metered(model(), None, "")
    x = torch.rand(3, 1, 2, 2, requires_grad=True)
    logits = network(x)
    (logits[:, 1] * torch.tensor([1.0, torch.inf, 2.0])).sum().backward()
    assert int(network.broken) == 1
    with torch.no_grad():
        network(x)
    assert int(network.broken) == 1


def test_a_randomised_model_returns_the_mean_of_its_draws():
    dice = model(Dice()).with_draws(400)
    with dice.frozen(0):
        logits = Metered(dice, None, "")(torch.rand(2, 1, 2, 2))
    assert dice.forwards == 800
    assert logits[:, 1].tolist() == pytest.approx([3.5, 3.5], abs=0.4)


def test_nothing_the_library_does_reaches_the_users_network():
    net = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(4), nn.Linear(4, 2)).train()
    network = Metered(model(net), None, "").eval()
    assert net.training
    assert [name for name, _ in network.named_parameters()] == ["place"]
    network.requires_grad_(True)
    assert network.place.requires_grad


def test_images_one_by_one():
    x, y, targets = torch.rand(3, 1, 2, 2), torch.tensor([0, 1, 0]), torch.tensor([1, 0, 1])
    task = Task(Metered(model(), None, ""), x, y, targets, "linf", 0.1, 2, 7)
    one = list(task.each())
    assert torch.equal(torch.cat([each.x for each in one]), x)
    assert [each.y.tolist() for each in one] == [[0], [1], [0]]
    assert [each.targets.tolist() for each in one] == [[1], [0], [1]]
    assert {(each.norm, each.eps, each.num_classes, each.seed) for each in one} == {("linf", 0.1, 2, 7)}
    assert all(each.targets is None for each in Task(task.network, x, y, None, "l2", 1, 2, 0).each())


def test_passes_are_divided_among_the_batch():
    assert share(7, torch.zeros(3, 1)).tolist() == [3, 2, 2]
    assert share(0, torch.zeros(2, 1)).tolist() == [0, 0]


@given(passes=st.integers(0, 10**6), count=st.integers(1, 50))
def test_a_share_is_as_even_as_integers_allow(passes, count):
    found = share(passes, torch.zeros(count, 1))
    assert int(found.sum()) == passes
    assert int(found.max() - found.min()) <= 1
