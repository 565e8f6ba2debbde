"""Small exact models and data that many tests share."""

from __future__ import annotations

import os

import pytest
import torch
from hypothesis import settings
from torch import Tensor, nn

from robustkit import InputSpec, Model

# CI asks the same questions every time, so that its answer depends on the code alone; at a desk the search goes on. No single
# example has a deadline: on a busy machine any may be slow.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("desk", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "desk")


def pytest_runtest_setup() -> None:
    """Networks and images that a test draws are the same whichever tests ran before."""
    torch.manual_seed(0)


class Linear(nn.Module):
    """Logits ``(-s, s)`` with ``s = sum(x) - n / 2``: the minimal perturbation is known in closed form."""

    def forward(self, x: Tensor) -> Tensor:
        score = x.flatten(1).sum(1) - x[0].numel() / 2
        return torch.stack([-score, score], dim=1)


@pytest.fixture
def linear_model() -> Model:
    """Two classes, 1x2x2 images: class 1 if the pixels sum to more than 2."""
    return Model(Linear(), spec=InputSpec(channels=1), device="cpu", name="linear")


@pytest.fixture
def linear_data() -> tuple[Tensor, Tensor]:
    """Twenty images whose linf distance to the boundary is 0.01, 0.02, ... 0.20, all of class 1."""
    distance = torch.arange(1, 21) / 100
    return (0.5 + distance)[:, None, None, None].expand(20, 1, 2, 2).contiguous(), torch.ones(20, dtype=torch.int64)


@pytest.fixture
def curved_model() -> Model:
    """A random network with curved boundaries on 1x12x12 images."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.Tanh(), nn.Conv2d(8, 8, 3), nn.Tanh(), nn.Flatten(), nn.Linear(512, 3))
    for parameter in net.parameters():
        parameter.data *= 3
    return Model(net, spec=InputSpec(channels=1), device="cpu")
