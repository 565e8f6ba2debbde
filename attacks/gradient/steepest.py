"""Steepest-ascent steps of a given length inside the threat, shared by the first-order attacks."""

from __future__ import annotations

import torch
from torch import Tensor

from robustkit.plugin import Batch, Bounds, NormThreat, per_sample
from robustkit.threats import norm_of


def ascend(batch: Batch, x_adv: Tensor, grad: Tensor, step_size: float | Tensor, radius: Tensor | None = None) -> Tensor:
    """The point after a step of length `step_size` along the gradient, inside the ball and the box. ``(B, C, H, W)``.

    For linf and l2, the step follows the sign or the scaled gradient and is projected back. A projected sparse l1 step would
    circle around the optimum, so for l1 the step goes straight towards the best corner of the ball and the box.

    Parameters
    ----------
    step_size
        A number, or one for each sample, ``(B,)``.
    radius
        ``(B,)``: the radius of each sample's ball, which may exclude `x_adv`; None means eps, which includes it.
    """
    threat, bounds = batch.threat, batch.bounds
    assert isinstance(threat, NormThreat)
    length = per_sample(step_size, grad) if isinstance(step_size, Tensor) else step_size
    match threat.norm:
        case "linf":
            return threat.project(batch.x, x_adv + length * grad.sign(), bounds, radius)
        case "l2":
            # Scaled first, because the squares of a saturated model's gradient would underflow.
            tiny = torch.finfo(grad.dtype).tiny
            scaled = grad / per_sample(norm_of(grad, "linf").clamp_min(tiny), grad)
            direction = scaled / per_sample(norm_of(scaled, "l2").clamp_min(tiny), grad)
            return threat.project(batch.x, x_adv + length * direction, bounds, radius)
        case _:
            offset = l1_corner(batch.x, grad, threat.eps if radius is None else radius, bounds) - x_adv
            share = (step_size / norm_of(offset, "l1").clamp_min(1e-12)).clamp_max(1)
            moved = x_adv + per_sample(share, offset) * offset
            return moved if radius is None else threat.project(batch.x, moved, bounds, radius)


def l1_corner(x: Tensor, grad: Tensor, eps: float | Tensor, bounds: Bounds) -> Tensor:
    """The point of the l1 ball and the box that maximises a linear function with this gradient.

    The elements with the largest gradients move to their bounds, one after another, until the budget is spent.
    `eps` is a number, or one for each sample, ``(B,)``.
    """
    budget = eps[:, None] if isinstance(eps, Tensor) else eps
    flat, slope = x.flatten(1), grad.flatten(1)
    limit = torch.where(slope > 0, bounds[1], torch.where(slope < 0, bounds[0], flat))
    order = slope.abs().argsort(dim=1, descending=True, stable=True)
    room = (limit - flat).abs().gather(1, order).double()
    spent = room.cumsum(1) - room
    share = ((budget - spent) / room.clamp_min(1e-12)).clamp(0, 1).to(x.dtype)
    share = torch.zeros_like(flat).scatter(1, order, share)
    return (flat + share * (limit - flat)).reshape(x.shape)
