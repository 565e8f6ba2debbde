"""The network of the embedded models."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn


def fashion_cnn(num_classes: int = 10) -> nn.Sequential:
    """A network of two strided convolutions and two linear layers for 28 x 28 grey images; 348,086 parameters for ten classes.

    The architecture of Wong and Kolter for MNIST (arXiv 1711.00851), twice as wide.
    """
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(1, 32, kernel_size=4, stride=2, padding=1),
            relu1=nn.ReLU(),
            conv2=nn.Conv2d(32, 64, kernel_size=4, stride=2, padding=1),
            relu2=nn.ReLU(),
            flatten=nn.Flatten(),
            hidden=nn.Linear(64 * 7 * 7, 100),
            relu3=nn.ReLU(),
            head=nn.Linear(100, num_classes),
        )
    )
