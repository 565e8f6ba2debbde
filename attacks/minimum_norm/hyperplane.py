"""Projection onto a hyperplane inside the box in linf, l2 or l1, used by FAB."""

from __future__ import annotations

import torch
from torch import Tensor

from robustkit.plugin import Bounds
from robustkit.threats.norm import Norm


def to_hyperplane(point: Tensor, normal: Tensor, gap: Tensor, norm: Norm, bounds: Bounds) -> Tensor:
    """The shortest `d` with ``normal @ d = gap`` that keeps ``point + d`` in the box (Croce and Hein, arXiv 1907.02044, sec. 3.1).

    If the box is too small, `d` goes as far as the box allows.

    Parameters
    ----------
    point, normal
        ``(B, n)``; the points are inside the box.
    gap
        ``(B,)``.
    norm
        The norm to minimise: ``linf``, ``l2`` or ``l1``.
    bounds
        The box.

    Returns
    -------
    ``(B, n)``.
    """
    heading = gap.sign()[:, None] * normal.sign()
    room = torch.where(heading > 0, bounds[1] - point, point - bounds[0]).clamp_min(0)
    slope, need = normal.abs(), gap.abs()[:, None]
    match norm:
        case "linf":
            size = _fill(room, torch.ones_like(slope), slope, need)
        case "l2":
            size = _fill(room, slope, slope, need)
        case _:
            size = _spend(room, slope, need)
    return heading * size


def _fill(room: Tensor, rate: Tensor, slope: Tensor, need: Tensor) -> Tensor:
    """``min(t * rate, room)`` for the `t` at which its inner product with `slope` equals `need`.

    As `t` grows, elements reach their bounds one after another, and the inner product is linear in between. Sorting the values
    of `t` at which bounds are reached shows which elements are at their bounds; the others determine `t`.
    """
    tiny = torch.finfo(room.dtype).tiny
    limit = room / rate.clamp_min(tiny)
    limits, order = limit.sort(dim=1)
    gained = (slope * room).gather(1, order).cumsum(1)
    growth = (slope * rate).gather(1, order)
    growth = growth.flip(1).cumsum(1).flip(1) - growth
    met = limit <= torch.where(gained + limits * growth <= need, limits, 0).amax(1, keepdim=True)
    missing = need - (slope * room * met).sum(1, keepdim=True)
    t = (missing / (slope * rate * ~met).sum(1, keepdim=True).clamp_min(tiny)).clamp(0, 1 / tiny)
    return torch.where(met, room, torch.minimum(t * rate, room))


def _spend(room: Tensor, slope: Tensor, need: Tensor) -> Tensor:
    """Move the steepest elements to their bounds one after another, the last one only as far as needed."""
    steepest, order = slope.sort(dim=1, descending=True, stable=True)
    limits = room.gather(1, order)
    full = steepest * limits
    missing = (need - (full.cumsum(1) - full)).clamp_min(0)
    size = torch.minimum(missing / steepest.clamp_min(torch.finfo(room.dtype).tiny), limits)
    return torch.zeros_like(room).scatter(1, order, size)
