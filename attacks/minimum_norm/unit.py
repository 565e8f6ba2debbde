"""Normalisation of step directions."""

from __future__ import annotations

import torch
from torch import Tensor

from robustkit.plugin import per_sample
from robustkit.threats import norm_of


def unit(delta: Tensor) -> Tensor:
    """Each sample scaled to l2 norm 1; zero stays zero."""
    # Scaled first, because the squares of a saturated model's gradient would underflow.
    tiny = torch.finfo(delta.dtype).tiny
    scaled = delta / per_sample(norm_of(delta, "linf").clamp_min(tiny), delta)
    return scaled / per_sample(norm_of(scaled, "l2").clamp_min(tiny), delta)
