"""A training batch whose training passes are recorded."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from robustkit import Model
from robustkit.contracts.recipe import Recipe, TrainingBatch
from robustkit.spec import InputSpec
from robustkit.threats import Threat


class Watched:
    """A training batch whose training passes are recorded."""

    def __init__(self, threat: str | None) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)
            net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Tanh(), nn.Flatten(), nn.Linear(48, 4))
        self.model = Model(net, spec=InputSpec(channels=1), device="cpu")
        self.trained_on: list[Tensor] = []
        x = torch.rand(8, 1, 6, 6, generator=torch.Generator().manual_seed(3))
        self.batch = TrainingBatch(
            x=x,
            y=torch.arange(8) % 4,
            sample_ids=torch.arange(8),
            forward=self.forward,
            model=self.model,
            threat=None if threat is None else Threat.parse(threat),
            num_classes=4,
            seed=0,
        )

    def forward(self, x: Tensor) -> Tensor:
        self.trained_on.append(x)
        logits: Tensor = self.model.net(self.model.preprocess(x))
        return logits

    def step(self, recipe: Recipe) -> Tensor:
        """The images of a step's only training pass, after a check of its gradients."""
        recipe.check(self.batch.threat)
        recipe.loss(self.batch).backward()
        (images,) = self.trained_on
        assert all(parameter.grad is not None for parameter in self.model.net.parameters())
        return images


@pytest.fixture
def watched() -> Callable[[str | None], Watched]:
    """Eight images and a network of four classes under a threat."""
    return Watched
