"""Auto-PGD's update rule for linf and l2: momentum, and a step size that is halved on a plateau (arXiv 2003.01690, alg. 1)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from robustkit.plugin import Batch, NormThreat, Response, State, per_sample
from robustkit.threats import norm_of


@dataclass(kw_only=True)
class MomentumState(State):
    """State of each sample's ascent.

    Parameters
    ----------
    x_from
        ``(B, C, H, W)``: the point from which the step to `x_adv` was taken.
    x_best, grad_best, loss_best
        The point with the highest loss so far, its gradient and its loss.
    loss_before
        ``(B,)``: the loss of the previous query; 0 at the first step, as in the authors' code.
    step_size
        ``(B,)``, in the threat's unit.
    rises
        ``(B,)``: how often the loss increased since the last checkpoint.
    elapsed, period
        ``(B,)``: steps since the last checkpoint, and steps between that checkpoint and the next.
    loss_best_at_check, reduced_at_check
        ``(B,)``: the highest loss at the last checkpoint, and whether the step size was halved there.
    """

    x_from: Tensor
    x_best: Tensor
    grad_best: Tensor
    loss_best: Tensor
    loss_before: Tensor
    step_size: Tensor
    rises: Tensor
    elapsed: Tensor
    period: Tensor
    loss_best_at_check: Tensor
    reduced_at_check: Tensor


def start_momentum(batch: Batch, steps: int) -> MomentumState:
    """The initial state: a random point on the surface of the ball, clipped to the box."""
    threat, x = batch.threat, batch.x
    assert isinstance(threat, NormThreat)
    shape, ids = tuple(x.shape[1:]), batch.sample_ids
    if threat.norm == "linf":
        noise = 2 * batch.random.uniform(ids, shape, attempt=batch.attempt, stream="start", dtype=x.dtype) - 1
    else:
        noise = batch.random.normal(ids, shape, attempt=batch.attempt, stream="start", dtype=x.dtype)
    x_adv = (x + threat.eps * normalise(noise, threat)).clamp(*batch.bounds)
    zero = torch.zeros_like(x[:, 0, 0, 0])
    return MomentumState(
        x_adv=x_adv,
        x_from=x_adv,
        x_best=x_adv,
        grad_best=torch.zeros_like(x),
        loss_best=zero,
        loss_before=zero,
        step_size=zero + 2 * threat.eps,
        rises=zero,
        elapsed=zero,
        period=zero + max(int(0.22 * steps), 1),
        loss_best_at_check=zero,
        reduced_at_check=torch.ones_like(zero, dtype=torch.bool),
    )


def step_momentum(batch: Batch, state: MomentumState, response: Response, steps: int, rho: float) -> MomentumState:
    """Record the response, halve the step size and return to the best point if a checkpoint requires it, and take a step."""
    state, grad, x_from = _check(state, response, steps, rho)
    threat, x = batch.threat, batch.x
    assert isinstance(threat, NormThreat)
    step_size = per_sample(state.step_size, x)
    weight = per_sample(torch.where(response.step == 0, 1.0, 0.75).to(x.dtype), x)
    moved = _to_ball(x_from + step_size * direction(grad, threat), batch)
    x_adv = _to_ball(x_from + (moved - x_from) * weight + (x_from - state.x_from) * (1 - weight), batch)
    return replace(state, x_adv=x_adv, x_from=x_from)


def _check(state: MomentumState, response: Response, steps: int, rho: float) -> tuple[MomentumState, Tensor, Tensor]:
    """The state after a response, and the gradient and point to step from."""
    first = response.step == 0
    loss = response.loss
    better = first | (loss > state.loss_best)
    loss_best = torch.where(better, loss, state.loss_best)
    x_best = torch.where(per_sample(better, state.x_best), state.x_adv, state.x_best)
    grad_best = torch.where(per_sample(better, state.x_best), response.grad, state.grad_best)

    # The start is not a step: progress is measured against its loss, but it does not count as an increase.
    rises = torch.where(first, 0, state.rises + (loss > state.loss_before))
    loss_best_at_check = torch.where(first, loss, state.loss_best_at_check)
    elapsed = torch.where(first, 0, state.elapsed + 1)
    due = elapsed == state.period
    stuck = ~state.reduced_at_check & (loss_best_at_check >= loss_best)
    reduce = due & ((rises <= rho * state.period) | stuck)

    shrink, shortest = max(int(0.03 * steps), 1), max(int(0.06 * steps), 1)
    checked = replace(
        state,
        x_best=x_best,
        grad_best=grad_best,
        loss_best=loss_best,
        loss_before=torch.where(first, 0, loss),
        step_size=torch.where(reduce, state.step_size / 2, state.step_size),
        rises=torch.where(due, 0, rises),
        elapsed=torch.where(due, 0, elapsed),
        period=torch.where(due, (state.period - shrink).clamp_min(shortest), state.period),
        loss_best_at_check=torch.where(due, loss_best, loss_best_at_check),
        reduced_at_check=torch.where(due, reduce, state.reduced_at_check),
    )
    back = per_sample(reduce, state.x_adv)
    return checked, torch.where(back, grad_best, response.grad), torch.where(back, x_best, state.x_adv)


def direction(grad: Tensor, threat: NormThreat) -> Tensor:
    """The steepest ascent direction of unit norm."""
    return grad.sign() if threat.norm == "linf" else normalise(grad, threat)


def normalise(delta: Tensor, threat: NormThreat) -> Tensor:
    """Each sample scaled to norm 1 in the threat's norm."""
    return delta / per_sample(norm_of(delta, threat.norm) + 1e-12, delta)


def _to_ball(x_adv: Tensor, batch: Batch) -> Tensor:
    """`x_adv` scaled back onto the ball, then clipped to the box; for l2, as in the authors' code, not the nearest point."""
    threat = batch.threat
    assert isinstance(threat, NormThreat)
    if threat.norm == "linf":
        return threat.project(batch.x, x_adv, batch.bounds)
    delta = x_adv - batch.x
    length = per_sample(norm_of(delta, "l2").clamp_max(threat.eps), delta)
    return (batch.x + normalise(delta, threat) * length).clamp(*batch.bounds)
