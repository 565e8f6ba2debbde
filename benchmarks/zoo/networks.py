"""The networks of the zoo, for 28 x 28 grey images and ten classes; small, so that official AutoAttack takes minutes."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

Activation = Literal["relu", "tanh"]


def _activation(name: Activation) -> nn.Module:
    return nn.ReLU() if name == "relu" else nn.Tanh()


def cnn(width: int = 16, activation: Activation = "relu") -> nn.Sequential:
    """Two strided convolutions and two linear layers (after Wong and Kolter, arXiv 1711.00851)."""
    return nn.Sequential(
        nn.Conv2d(1, width, 4, stride=2, padding=1),
        _activation(activation),
        nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
        _activation(activation),
        nn.Flatten(),
        nn.Linear(2 * width * 49, 100),
        _activation(activation),
        nn.Linear(100, 10),
    )


def mlp(width: int = 256, activation: Activation = "relu") -> nn.Sequential:
    """Three linear layers."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(784, width),
        _activation(activation),
        nn.Linear(width, width),
        _activation(activation),
        nn.Linear(width, 10),
    )


class Residual(nn.Module):
    """Two 3 x 3 convolutions with batch norm, around which the input is added."""

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inside, outside, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outside),
            nn.ReLU(),
            nn.Conv2d(outside, outside, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outside),
        )
        self.skip = nn.Identity() if stride == 1 else nn.Conv2d(inside, outside, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        added: Tensor = self.body(x) + self.skip(x)
        return added.relu()


def resnet(width: int = 12) -> nn.Sequential:
    """A strided convolution and three residual blocks (He et al., arXiv 1512.03385)."""
    return nn.Sequential(
        nn.Conv2d(1, width, 3, 2, 1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        Residual(width, width, 1),
        Residual(width, 2 * width, 2),
        Residual(2 * width, 4 * width, 2),
        nn.Flatten(),
        nn.Linear(4 * width * 16, 10),
    )


class ViT(nn.Module):
    """Two transformer layers over 16 patches of 7 x 7 pixels (Dosovitskiy et al., arXiv 2010.11929)."""

    def __init__(self, width: int = 48, depth: int = 2) -> None:
        super().__init__()
        self.patches = nn.Conv2d(1, width, 7, 7)
        self.positions = nn.Parameter(torch.zeros(1, 16, width))
        layer = nn.TransformerEncoderLayer(width, 4, 2 * width, dropout=0.0, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, depth, nn.LayerNorm(width), enable_nested_tensor=False)
        self.head = nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.patches(x).flatten(2).transpose(1, 2) + self.positions
        logits: Tensor = self.head(self.layers(tokens).mean(1))
        return logits


def vit() -> ViT:
    """A small vision transformer."""
    return ViT()
