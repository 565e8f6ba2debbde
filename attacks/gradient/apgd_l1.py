"""Auto-PGD's update rule for l1: sparse steps with adaptive sparsity in shrinking balls (arXiv 2103.01208)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from robustkit.plugin import Batch, NormThreat, Response, State, per_sample
from robustkit.threats import norm_of


@dataclass(kw_only=True)
class SparseState(State):
    """State of each sample's ascent in one ball.

    Parameters
    ----------
    x_best, grad_best, loss_best
        The point with the highest loss so far, its gradient and its loss.
    changed
        ``(B,)``: number of elements changed in the best point at the last checkpoint; it sets the sparsity of the next step.
    step_size
        ``(B,)``, as a multiple of the ball's radius.
    elapsed
        ``(B,)``: steps since the last checkpoint.
    """

    x_best: Tensor
    grad_best: Tensor
    loss_best: Tensor
    changed: Tensor
    step_size: Tensor
    elapsed: Tensor


@dataclass(frozen=True)
class Stage:
    """One stage of the schedule: a first pass at step `begin`, then `steps` steps inside the ball of radius ``scale * eps``."""

    begin: int
    steps: int
    scale: float


def stages(steps: int) -> tuple[Stage, ...]:
    """Balls of radius 3, 2 and 1 times eps for 30, 30 and 40 % of the steps; with fewer than three steps, only the last ball."""
    part = math.ceil(0.3 * steps)
    if steps - 2 * part < 1:
        return (Stage(0, steps, 1.0),)
    return Stage(0, part, 3.0), Stage(part + 1, part, 2.0), Stage(2 * part + 2, steps - 2 * part, 1.0)


def start_sparse(batch: Batch, steps: int) -> SparseState:
    """The initial state: Gaussian noise projected onto the first ball."""
    threat, x = batch.threat, batch.x
    assert isinstance(threat, NormThreat)
    noise = batch.random.normal(batch.sample_ids, tuple(x.shape[1:]), attempt=batch.attempt, stream="start", dtype=x.dtype)
    x_adv = x + (batch.bounds[1] - batch.bounds[0]) * noise
    x_adv = threat.project(x, x_adv, batch.bounds, stages(steps)[0].scale * threat.eps)
    zero = torch.zeros_like(x[:, 0, 0, 0])
    return SparseState(
        x_adv=x_adv,
        x_best=x_adv,
        grad_best=torch.zeros_like(x),
        loss_best=zero,
        changed=norm_of(x_adv - x, "l0"),
        step_size=torch.ones_like(zero),
        elapsed=zero,
    )


def step_sparse(batch: Batch, state: SparseState, response: Response, steps: int) -> SparseState:
    """Take a step inside the ball, or, at the end of a stage, project the best point onto the next ball."""
    threat, x = batch.threat, batch.x
    assert isinstance(threat, NormThreat)
    first, last, scale, next_scale, period = _position(response.step, steps, x.dtype)

    better = first | (response.loss > state.loss_best)
    x_best = torch.where(per_sample(better, x), state.x_adv, state.x_best)
    grad_best = torch.where(per_sample(better, x), response.grad, state.grad_best)

    elapsed = torch.where(first, 0, state.elapsed + 1)
    due = elapsed == period
    now_changed = norm_of(x_best - x, "l0")
    sparser = due & (now_changed / state.changed < 0.95)
    changed = torch.where(due, now_changed, state.changed)
    shorter = (state.step_size / 1.5).clamp_min(0.1)
    step_size = torch.where(due, torch.where(sparser, 1.0, shorter), state.step_size)

    back = per_sample(sparser, x)
    grad, x_from = torch.where(back, grad_best, response.grad), torch.where(back, x_best, state.x_adv)
    moved = x_from + per_sample(step_size * scale * threat.eps, x) * sparse_sign(grad, changed)
    x_adv = threat.project(x, torch.where(per_sample(last, x), x_best, moved), batch.bounds, next_scale * threat.eps)
    return replace(
        state,
        x_adv=x_adv,
        x_best=x_best,
        grad_best=grad_best,
        loss_best=torch.where(better, response.loss, state.loss_best),
        changed=torch.where(last, norm_of(x_adv - x, "l0"), changed),
        step_size=torch.where(last, 1.0, step_size),
        elapsed=torch.where(due, 0, elapsed),
    )


def _position(step: Tensor, steps: int, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Each sample's position in the schedule, ``(B,)`` each: whether this is the first pass of a stage, whether it is the
    last, the scale of the ball, the scale of the next query's ball, and the number of steps between checkpoints.
    """
    first = last = torch.zeros_like(step, dtype=torch.bool)
    scale = next_scale = period = torch.zeros_like(step, dtype=dtype)
    for stage in stages(steps):
        here = step >= stage.begin
        first = first | (step == stage.begin)
        last = last | (step == stage.begin - 1)
        scale = torch.where(here, stage.scale, scale)
        next_scale = torch.where(step >= stage.begin - 1, stage.scale, next_scale)
        period = torch.where(here, max(int(0.04 * stage.steps), 1), period)
    return first, last, scale, next_scale, period


def sparse_sign(grad: Tensor, changed: Tensor) -> Tensor:
    """A step of l1 norm 1 along the largest gradient elements: two thirds as many as the best point has changed."""
    size = grad.flatten(1).abs()
    n = size.shape[1]
    rank = ((1 - changed.float() / n / 1.5) * n).clamp(0, n - 1).long()
    threshold = size.sort(dim=1).values.gather(1, rank[:, None])
    sign = torch.where(size >= threshold, grad.flatten(1).sign(), 0)
    return (sign / (sign.abs().sum(1, keepdim=True) + 1e-10)).reshape(grad.shape)
