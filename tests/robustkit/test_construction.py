"""What can be made a model, and the sentence for what cannot."""

import pytest
import torch
from torch import nn

from robustkit import Model, UsageError


@pytest.mark.parametrize("draws", [0, -1, 1.5, True, "3", None])
def test_draws_are_a_whole_number_from_one(draws):
    plain = Model(nn.Identity(), device="cpu")
    for give in (lambda: Model(nn.Identity(), device="cpu", draws=draws), lambda: plain.with_draws(draws)):
        with pytest.raises(UsageError, match=r"^draws=.* must be a whole number of at least 1"):
            give()


def test_lazy_layers_are_refused_until_they_have_values():
    net = nn.Sequential(nn.LazyConv2d(2, 1), nn.Flatten(), nn.LazyLinear(3))
    with pytest.raises(UsageError, match=r"lazy layers .* 0.weight: pass one batch"):
        Model(net, device="cpu")
    net(torch.rand(1, 3, 2, 2))
    assert Model(net, device="cpu").num_classes(torch.rand(1, 3, 2, 2)) == 3


def test_a_network_without_values_is_refused():
    with pytest.raises(UsageError, match=r"Linear has meta tensors.* such as weight: "):
        Model(nn.Linear(2, 2, device="meta"), device="cpu")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"bounds": (1, 0)}, r"bounds \(1, 0\) are not two numbers, the lower first"),
        ({"bounds": (0, float("inf"))}, "bounds .* are not two numbers"),
        ({"mean": [0.5]}, "mean and std must be given together"),
        ({"mean": [0.5], "std": [0.5, 0.5]}, "mean and std must be given together"),
        ({"mean": [0.5], "std": [0.0]}, r"std \(0.0,\) must be above 0 in every channel"),
        ({"batch_size": 0}, "batch_size=0 must be at least 1"),
        ({"device": "tpu9"}, "tpu9"),
    ],
)
def test_wrong_settings(wrong, says):
    with pytest.raises(UsageError, match=says):
        Model(nn.Identity(), **{"device": "cpu", **wrong})


def test_what_is_no_network():
    with pytest.raises(UsageError, match=r"a model wraps a torch\.nn\.Module, not a function"):
        Model(lambda x: x, device="cpu")
