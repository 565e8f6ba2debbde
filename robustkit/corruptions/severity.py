"""The published strengths of corruptions: those of ImageNet-C, or of CIFAR-C for small images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from torch import Tensor

T = TypeVar("T")

SMALL = 64  #: images whose shorter side is below this get the strengths of CIFAR-C


def is_small(x: Tensor) -> bool:
    """Whether images ``(B, C, H, W)`` get the strengths of CIFAR-C."""
    return min(x.shape[-2:]) < SMALL


def strength(x: Tensor, severity: int, imagenet: Sequence[T], cifar: Sequence[T]) -> T:
    """The entry for a severity from 1 to 5 in the table for the size of `x`."""
    return (cifar if is_small(x) else imagenet)[severity - 1]
