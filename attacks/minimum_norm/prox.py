"""Proximal operators of norms: the ``z`` that makes ``weight * ||z|| + ||z - v||_2^2 / 2`` least, for each sample."""

from __future__ import annotations

import torch
from torch import Tensor

from robustkit.projections import per_sample


def prox_l2(v: Tensor, weight: Tensor) -> Tensor:
    """Each sample shortened by its weight ``(B,)``."""
    length = v.flatten(1).square().sum(1).sqrt()
    return v * per_sample((1 - weight / length.clamp_min(torch.finfo(v.dtype).tiny)).clamp_min(0), v)


def prox_l1(v: Tensor, weight: Tensor) -> Tensor:
    """Each element drawn towards zero by the weight."""
    return (v.abs() - per_sample(weight, v)).clamp_min(0).copysign(v)


def prox_linf(v: Tensor, weight: Tensor) -> Tensor:
    """The greatest elements cut to one level, so that what is cut off sums to the weight."""
    size = v.flatten(1).abs().sort(dim=1, descending=True).values
    count = torch.arange(1, size.shape[1] + 1, device=v.device)
    level = ((size.cumsum(1) - weight[:, None]) / count).amax(1).clamp_min(0)
    return torch.minimum(v.abs(), per_sample(level, v)).copysign(v)


def prox_two_thirds(v: Tensor, weight: Tensor) -> Tensor:
    """That of ``sum |z|^(2/3)``, a smoother stand-in for the count of elements (Cao et al., arXiv 1310.8246)."""
    size, weight = v.abs(), 2 * per_sample(weight, v)
    # The stationary point in closed form; below the threshold zero is better.
    tiny = torch.finfo(v.dtype).tiny
    ratio = (27 / 16 * size.square() / (weight * weight.sqrt()).clamp_min(tiny)).clamp(1, torch.finfo(v.dtype).max)
    a = 2 / 3**0.5 * weight.sqrt().sqrt().clamp_min(tiny) * cosh(acosh(ratio) / 3).sqrt()
    root = (a + (2 * size / a - a.square()).clamp_min(0).sqrt()) / 2
    kept = size > 2 / 3 * (3 * weight.pow(3)).sqrt().sqrt()
    return torch.where(kept, root.pow(3).minimum(size), 0).copysign(v)


PROX = {"linf": prox_linf, "l2": prox_l2, "l1": prox_l1, "l0": prox_two_thirds}


def cosh(value: Tensor) -> Tensor:
    """The hyperbolic cosine, written out: the rounding of torch's own depends on the batch."""
    return (value.exp() + (-value).exp()) / 2


def acosh(value: Tensor) -> Tensor:
    """The inverse of `cosh`, likewise; the square of a great value does not overflow."""
    return value.log() + (1 - value.reciprocal().square()).sqrt().log1p()
