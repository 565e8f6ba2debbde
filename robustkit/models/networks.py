"""The networks of the embedded models."""

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


def signs_cnn(num_classes: int = 16) -> nn.Sequential:
    """A network of three convolutions and two linear layers for 32 x 32 colour images; 357,584 parameters for sixteen classes."""
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(3, 32, kernel_size=3, padding=1),
            relu1=nn.ReLU(),
            pool1=nn.MaxPool2d(2),
            conv2=nn.Conv2d(32, 64, kernel_size=3, padding=1),
            relu2=nn.ReLU(),
            pool2=nn.MaxPool2d(2),
            conv3=nn.Conv2d(64, 128, kernel_size=3, padding=1),
            relu3=nn.ReLU(),
            pool3=nn.MaxPool2d(2),
            flatten=nn.Flatten(),
            hidden=nn.Linear(128 * 4 * 4, 128),
            relu4=nn.ReLU(),
            head=nn.Linear(128, num_classes),
        )
    )
