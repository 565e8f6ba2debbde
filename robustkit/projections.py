"""Exact Euclidean projections onto norm balls intersected with the box of valid images.

Projecting onto the ball and then clipping to the box gives a feasible point, but not the nearest one; these functions do. All
work on the perturbation's magnitudes, because a projection never changes a sign: with ``room`` the distance from the clean value
to the bound in the perturbation's direction, a rule with one unknown multiplier per sample, found by sorting, shrinks them.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Bounds = tuple[float, float]


def per_sample(values: Tensor, like: Tensor) -> Tensor:
    """The values ``(B,)`` reshaped to broadcast over ``like`` of shape ``(B, ...)``."""
    return values.reshape(-1, *[1] * (like.ndim - 1))


def clip(x: Tensor, bounds: Bounds) -> Tensor:
    """`x` clipped to the box, with the gradient of `x` inside and exactly at the bounds.

    Newer releases of torch give `clamp` no gradient at the bounds, where black and white pixels are.
    """
    low, high = bounds
    return torch.where(x < low, low, torch.where(x > high, high, x))


def project_linf(x: Tensor, x_adv: Tensor, eps: Tensor | float, bounds: Bounds) -> Tensor:
    """The nearest point to `x_adv` with ``max |z - x| <= eps`` inside the box. Shapes ``(B, ...)``; `eps` scalar or ``(B,)``."""
    radius = per_sample(eps, x) if isinstance(eps, Tensor) else eps
    return torch.clamp(torch.minimum(torch.maximum(x_adv, x - radius), x + radius), *bounds)


def project_l2(x: Tensor, x_adv: Tensor, eps: Tensor | float, bounds: Bounds) -> Tensor:
    """The nearest point to `x_adv` with ``||z - x||_2 <= eps`` inside the box."""

    def shrink(size: Tensor, room: Tensor, eps: Tensor) -> Tensor:
        # The solution is min(t * size, room) for one t in (0, 1]. An element saturates once t passes room / size.
        ratio = torch.where(size > 0, room / size.clamp_min(torch.finfo(size.dtype).tiny), torch.inf)
        ratio, order = ratio.sort(dim=1)
        size_, room_ = size.gather(1, order), room.gather(1, order)
        saturated = (room_.square().cumsum(1) - room_.square()).clamp_min(0)
        free = size_.square().flip(1).cumsum(1).flip(1)
        t_squared = (eps[:, None].square() - saturated) / free.clamp_min(torch.finfo(size.dtype).tiny)
        # The candidates are t for "the first j elements are saturated"; the solution is the first consistent with its ratio.
        fits = t_squared.clamp_min(0).sqrt() <= ratio
        first = torch.where(fits.any(1), fits.int().argmax(1), size.shape[1] - 1)
        t = t_squared.gather(1, first[:, None]).clamp_min(0).sqrt().clamp_max(1)
        return torch.minimum(t * size, room)

    return _project(x, x_adv, eps, bounds, shrink, lambda z: z.square().sum(1).sqrt())


def project_l1(x: Tensor, x_adv: Tensor, eps: Tensor | float, bounds: Bounds) -> Tensor:
    """The nearest point to `x_adv` with ``||z - x||_1 <= eps`` inside the box (Croce and Hein, arXiv 2103.01208)."""

    def shrink(size: Tensor, room: Tensor, eps: Tensor) -> Tensor:
        # The solution is clamp(size - t, 0, room) for one t >= 0: its sum decreases piecewise linearly, with kinks where an
        # element leaves its bound (t = size - room) and where it reaches zero (t = size).
        kinks = torch.cat([(size - room).clamp_min(0), size], dim=1)
        bend = torch.cat([-torch.ones_like(size), torch.ones_like(size)], dim=1)
        kinks, order = kinks.sort(dim=1)
        slope = bend.gather(1, order).cumsum(1)
        gap = kinks.diff(dim=1, prepend=torch.zeros_like(kinks[:, :1]))
        before = torch.cat([torch.zeros_like(slope[:, :1]), slope[:, :-1]], dim=1)
        total = torch.minimum(size, room).sum(1, keepdim=True) + (before * gap).cumsum(1)
        # The last kink whose total is still above eps; t lies on the segment after it.
        last = (total > eps[:, None]).sum(1, keepdim=True).sub(1).clamp_min(0)
        fall = -slope.gather(1, last)
        excess = (total.gather(1, last) - eps[:, None]).clamp_min(0)
        t = kinks.gather(1, last) + torch.where(fall > 0, excess / fall.clamp_min(1), 0)
        return torch.minimum((size - t).clamp_min(0), room)

    return _project(x, x_adv, eps, bounds, shrink, lambda z: z.sum(1))


def project_l0(x: Tensor, x_adv: Tensor, eps: Tensor | float, bounds: Bounds) -> Tensor:
    """The nearest point to `x_adv` that differs from `x` in at most `eps` elements inside the box."""

    def shrink(size: Tensor, room: Tensor, eps: Tensor) -> Tensor:
        moved = torch.minimum(size, room)
        gain = size.square() - (size - moved).square()  # decrease in squared distance if the element may change
        rank = gain.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
        return torch.where(rank < eps[:, None], moved, 0)

    return _project(x, x_adv, eps, bounds, shrink, lambda z: (z > 0).sum(1).to(z.dtype))


def _project(
    x: Tensor,
    x_adv: Tensor,
    eps: Tensor | float,
    bounds: Bounds,
    shrink: Callable[[Tensor, Tensor, Tensor], Tensor],
    norm: Callable[[Tensor], Tensor],
) -> Tensor:
    """The projection: samples whose clipped perturbation is too large are shrunk by `shrink`, the others only clipped."""
    low, high = bounds
    clipped = x_adv.clamp(low, high)
    # In float32, sums over a hundred thousand elements would miss the radius by more than the images' rounding.
    x_flat = x.flatten(1).double()
    delta = x_adv.flatten(1).double() - x_flat
    size = delta.abs()
    room = torch.where(delta > 0, high - x_flat, x_flat - low).clamp_min(0)
    radius = (eps.to(x_flat) if isinstance(eps, Tensor) else x_flat.new_full((), eps)).expand(len(x))
    inside = norm(torch.minimum(size, room)) <= radius
    shrunk = (x_flat + delta.sign() * shrink(size, room, radius)).to(x.dtype).clamp(low, high)
    return torch.where(per_sample(inside, x), clipped, shrunk.reshape(x.shape))


PROJECTIONS = {"linf": project_linf, "l2": project_l2, "l1": project_l1, "l0": project_l0}
