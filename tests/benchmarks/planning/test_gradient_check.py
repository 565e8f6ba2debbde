"""Gradients that are no guide are recognised on a few images."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from robustkit import Model
from robustkit.benchmarks.planning.gradient_check import check_gradients
from robustkit.spec import InputSpec
from robustkit.threats import Threat

BALLS = [Threat.parse(threat) for threat in ("linf:0.1", "l2:0.5", "l1:2")]


class Two(nn.Module):
    """Two classes by a weighted sum of 36 pixels; `seen` is what the network makes of its images."""

    def __init__(self, seen=lambda x: x) -> None:
        super().__init__()
        self.seen = seen
        weights = torch.randn(36, generator=torch.Generator().manual_seed(1))
        self.register_buffer("weights", weights - weights.mean())

    def forward(self, x: Tensor) -> Tensor:
        lead = self.seen(x).flatten(1) @ self.weights
        return torch.stack([lead, -lead], 1)


def flags(seen, threats=BALLS):
    model = Model(Two(seen), spec=InputSpec(channels=1), device="cpu")
    x = torch.rand(12, 1, 6, 6, generator=torch.Generator().manual_seed(0)) * 0.8 + 0.1
    return [flag.id for flag in check_gradients(model, x, model.logits(x).argmax(1), threats)]


def misled(x: Tensor) -> Tensor:
    """The same values with the gradient of another function."""
    wrong = x.flip(2)
    return x.detach() + wrong - wrong.detach()


def test_a_linear_network_is_guided_by_its_gradient():
    assert flags(lambda x: x) == []


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(lambda x: (x * 15).round() / 15, id="rounded"),
        pytest.param(lambda x: torch.sigmoid(1e4 * (x - 0.5)), id="saturated"),
        pytest.param(lambda x: x.detach() + 0 * x, id="detached"),
    ],
)
def test_a_part_without_gradient_is_named_once(seen):
    assert flags(seen) == ["dead-gradients"]


def test_a_gradient_of_another_function_is_no_better_than_chance():
    found = flags(misled)
    assert found
    assert set(found) == {"random-direction"}


def test_other_threats_are_not_followed():
    others = [Threat.parse(threat) for threat in ("l0:3", "linf:0.1,targeted")]
    assert flags(misled, others) == []


def test_misclassified_images_say_nothing():
    model = Model(Two(misled), spec=InputSpec(channels=1), device="cpu")
    x = torch.rand(4, 1, 6, 6)
    assert check_gradients(model, x, 1 - model.logits(x).argmax(1), BALLS) == []


def test_a_model_without_gradients_is_left_to_the_attacks_that_need_them():
    assert flags(lambda x: x.detach()) == []
