"""Proximal operators of norms: the ``z`` that minimises ``weight * ||z|| + ||z - v||_2^2 / 2`` for each sample."""

from __future__ import annotations

import torch
from torch import Tensor

from robustkit.plugin import per_sample


def prox_l2(v: Tensor, weight: Tensor) -> Tensor:
    """Each sample with its l2 norm reduced by its weight ``(B,)``."""
    length = v.flatten(1).square().sum(1).sqrt()
    return v * per_sample((1 - weight / length.clamp_min(torch.finfo(v.dtype).tiny)).clamp_min(0), v)


def prox_l1(v: Tensor, weight: Tensor) -> Tensor:
    """Each element shrunk towards zero by the weight (soft thresholding)."""
    return (v.abs() - per_sample(weight, v)).clamp_min(0).copysign(v)


def prox_linf(v: Tensor, weight: Tensor) -> Tensor:
    """The largest elements clipped to a common level, such that the removed parts sum to the weight."""
    size = v.flatten(1).abs().sort(dim=1, descending=True).values
    count = torch.arange(1, size.shape[1] + 1, device=v.device)
    level = ((size.cumsum(1) - weight[:, None]) / count).amax(1).clamp_min(0)
    return torch.minimum(v.abs(), per_sample(level, v)).copysign(v)


def prox_two_thirds(v: Tensor, weight: Tensor) -> Tensor:
    """The proximal operator of ``sum |z|^(2/3)``, a smoother surrogate of the l0 norm (Cao et al., arXiv 1310.8246)."""
    size, weight = v.abs(), per_sample(weight, v)
    # The cube root t of |z| solves t^4 - |v| t + 2/3 weight = 0: Newton's method converges to its largest root from above. It
    # uses only operations whose rounding does not depend on the position in a tensor.
    root = size.sqrt().sqrt().maximum(size.sqrt())
    for _ in range(12):
        cube = root * root * root
        slope = 4 * cube - size
        root = torch.where(slope > 0, root - ((cube - size) * root + 2 / 3 * weight) / slope, root)
    kept = size > 2 / 3 * (24 * weight * weight * weight).sqrt().sqrt()
    return torch.where(kept, (root * root * root).minimum(size), 0).copysign(v)


PROX = {"linf": prox_linf, "l2": prox_l2, "l1": prox_l1, "l0": prox_two_thirds}
