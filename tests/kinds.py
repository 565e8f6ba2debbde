"""Kinds of model that are no torch network."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from robustkit import InputSpec, Model

WEIGHTS = np.random.default_rng(0).normal(size=(16, 3))


class Scores(Model):
    """A linear scorer in numpy, which writes on the images that it gets."""

    def __init__(self, weights: Any = WEIGHTS, **settings: Any) -> None:
        super().__init__(**{"spec": InputSpec(channels=1), "device": "cpu", "knowledge": "score"} | settings)
        self.weights = weights

    def outputs(self, x: Tensor) -> Any:
        images = x.numpy()
        images -= 0.5
        return images.reshape(len(images), -1) @ self.weights.astype(images.dtype)


class Decisions(Scores):
    """Its classes alone."""

    def __init__(self) -> None:
        super().__init__(knowledge="decision")

    def outputs(self, x: Tensor) -> Any:
        return np.eye(3)[super().outputs(x).argmax(1)]


class Coin(Model):
    """Class 1 on about four draws in ten, by numpy's generator."""

    def outputs(self, x: Tensor) -> Tensor:
        lead = torch.from_numpy(np.where(np.random.rand(len(x)) < 0.4, -1.0, 1.0))  # noqa: NPY002
        return torch.stack([lead, -lead], 1)


def images(count: int = 12) -> Tensor:
    """Noise of 1x4x4 pixels."""
    return torch.rand(count, 1, 4, 4, generator=torch.Generator().manual_seed(1))
