"""`torch.where` for images, several times as fast on a CPU."""

from __future__ import annotations

import torch
from torch import Tensor


def pick(mask: Tensor, one: Tensor, other: Tensor) -> Tensor:
    """`one` where the mask, which broadcasts, is 1, and `other` where it is 0: exactly, for a weight of 0 or 1 does not round."""
    return torch.lerp(other, one, mask.to(other.dtype))
