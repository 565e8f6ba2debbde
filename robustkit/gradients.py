"""Detection of vanished and non-finite gradients."""

from __future__ import annotations

import torch
from torch import Tensor

#: Gradients with all elements below this count as vanished: over the whole box they change a loss by less than its rounding.
VANISHED = 1e-12


def is_masked(grad: Tensor) -> Tensor:
    """Whether each sample's gradient ``(B, ...)`` vanished, or is not finite in some element. Bool ``(B,)``."""
    greatest = grad.flatten(1).abs().amax(1)  # NaN if an element is
    return ~((greatest >= VANISHED) & (greatest < torch.inf))


def is_broken(grad: Tensor) -> Tensor:
    """Whether each sample's gradient ``(B, ...)`` is not finite in some element. Bool ``(B,)``."""
    return ~grad.flatten(1).isfinite().all(1)
