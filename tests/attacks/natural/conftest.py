"""A model that depends only on an image's mean."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from robustkit import InputSpec, Model, Threat
from robustkit.build import attack


class Mean(nn.Module):
    """Class 1 if the image's mean is above `threshold`; records the mean of every query."""

    def __init__(self, threshold: float) -> None:
        super().__init__()
        self.threshold = threshold
        self.seen: list[float] = []

    def forward(self, x: Tensor) -> Tensor:
        mean = x.flatten(1).mean(1)
        self.seen += mean.tolist()
        return torch.stack([self.threshold - mean, mean - self.threshold], dim=1)


@pytest.fixture
def mean_attack():
    """The result of an attack on images of class `y`, and the mean of every query."""

    def run(name, threshold, x, y, threat, **params):
        net = Mean(threshold)
        model = Model(net, spec=InputSpec(channels=x.shape[1]), device="cpu")
        return attack(name, **params)(model, x, torch.full((len(x),), y), Threat.parse(threat)), net.seen

    return run
