"""The steepest step of a given length that stays inside the threat: what every first-order attack moves by."""

from __future__ import annotations

import torch
from torch import Tensor

from robustkit.plugin import Batch, Bounds, NormThreat, per_sample
from robustkit.threats import norm_of


def ascend(batch: Batch, x_adv: Tensor, grad: Tensor, step_size: float) -> Tensor:
    """The point that a step of length `step_size` along the gradient leads to, inside ball and box. ``(B, C, H, W)``.

    For linf and l2 a step along the sign or the scaled gradient is projected back. A sparse l1 step that is projected back
    circles around its optimum, so for l1 the step leads straight towards the best corner of ball and box and stays inside.
    """
    threat, bounds = batch.threat, batch.bounds
    assert isinstance(threat, NormThreat)
    match threat.norm:
        case "linf":
            return threat.project(batch.x, x_adv + step_size * grad.sign(), bounds)
        case "l2":
            # Scaled first, since the squares of a saturated model's gradient would vanish.
            tiny = torch.finfo(grad.dtype).tiny
            scaled = grad / per_sample(norm_of(grad, "linf").clamp_min(tiny), grad)
            direction = scaled / per_sample(norm_of(scaled, "l2").clamp_min(tiny), grad)
            return threat.project(batch.x, x_adv + step_size * direction, bounds)
        case _:
            way = l1_corner(batch.x, grad, threat.eps, bounds) - x_adv
            share = (step_size / norm_of(way, "l1").clamp_min(1e-12)).clamp_max(1)
            return x_adv + per_sample(share, way) * way


def l1_corner(x: Tensor, grad: Tensor, eps: float, bounds: Bounds) -> Tensor:
    """The point of the l1 ball and the box where a linear function with this gradient is greatest.

    The elements with the greatest gradients go to their walls, one after another, until the budget is spent.
    """
    flat, slope = x.flatten(1), grad.flatten(1)
    wall = torch.where(slope > 0, bounds[1], torch.where(slope < 0, bounds[0], flat))
    order = slope.abs().argsort(dim=1, descending=True, stable=True)
    room = (wall - flat).abs().gather(1, order).double()
    spent = room.cumsum(1) - room
    share = ((eps - spent) / room.clamp_min(1e-12)).clamp(0, 1).to(x.dtype)
    share = torch.zeros_like(flat).scatter(1, order, share)
    return (flat + share * (wall - flat)).reshape(x.shape)
