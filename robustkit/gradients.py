"""Gradients that an attack cannot follow."""

from __future__ import annotations

import torch
from torch import Tensor

#: The greatest element of a gradient that counts as vanished: over the whole box it changes no loss by as much as its rounding.
VANISHED = 1e-12


def is_masked(grad: Tensor) -> Tensor:
    """Whether each sample's gradient ``(B, ...)`` vanished, or is not finite in some element. Bool ``(B,)``."""
    greatest = grad.flatten(1).abs().amax(1)  # NaN if an element is
    return ~((greatest >= VANISHED) & (greatest < torch.inf))


def is_broken(grad: Tensor) -> Tensor:
    """Whether each sample's gradient ``(B, ...)`` is not finite in some element. Bool ``(B,)``."""
    return ~grad.flatten(1).isfinite().all(1)
