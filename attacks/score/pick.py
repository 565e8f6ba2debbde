"""`torch.where` for images, several times faster on a CPU."""

from __future__ import annotations

import torch
from torch import Tensor


def pick(mask: Tensor, one: Tensor, other: Tensor) -> Tensor:
    """`one` where the broadcast mask is 1 and `other` where it is 0; exact, because weights of 0 and 1 do not round."""
    return torch.lerp(other, one, mask.to(other.dtype))
