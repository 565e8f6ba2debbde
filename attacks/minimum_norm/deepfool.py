"""DeepFool: steps to linearised decision boundaries until one is crossed (Moosavi-Dezfooli et al., arXiv 1511.04599).

SuperDeepFool also moves the crossing so that the perturbation is orthogonal to the boundary (Abdollahpoorrostam et al.,
arXiv 2303.12481).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from robustkit.losses import adversarial_margin, take
from robustkit.plugin import (
    AttackInfo,
    Batch,
    MinimumNormAttack,
    NormThreat,
    Response,
    State,
    Threat,
    UsageError,
    least_lead,
    per_sample,
)
from robustkit.threats import Norm, norm_of

#: Added to every distance, in units of the box, as in the authors' code: near a boundary a relative overshoot is too small.
NUDGE = 1e-4


@dataclass(kw_only=True)
class CrossState(State):
    """State of DeepFool.

    Parameters
    ----------
    over
        Bool ``(B,)``: whether the search is finished.
    """

    over: Tensor


@dataclass(frozen=True, kw_only=True)
class Linearised(MinimumNormAttack[State]):
    """Base class of both attacks: gradients of the likeliest classes, and the step to their nearest linearised boundary.

    Parameters
    ----------
    steps
        Maximum number of queries.
    overshoot
        How far a step goes beyond the linearised boundary, as a fraction of the distance to it: for a linear model, the excess
        of the perturbation over the minimum. The authors use 0.02.
    candidates
        Number of likeliest classes to linearise, including the label.
    """

    steps: int = 50
    overshoot: float = 0.005
    candidates: int = 10

    exact_cost: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.overshoot >= 0:
            raise UsageError(f"overshoot={self.overshoot} must be at least 0")
        if self.candidates < 2:
            raise UsageError(f"candidates={self.candidates} must be at least 2: the label and another class")

    def cost(self, threat: Threat, num_classes: int, draws: int = 1) -> tuple[int, int]:
        forwards, backwards = super().cost(threat, num_classes, draws)
        return forwards, backwards * (min(self.candidates, num_classes) - 1)

    def loss(self, batch: Batch, state: State, logits: Tensor) -> Tensor:
        """Logit margins of the likeliest other classes over the label, in descending order: ``(B, J)``."""
        others = logits.scatter(1, batch.y[:, None], -torch.inf)
        return others.topk(min(self.candidates, logits.shape[1]) - 1).values - take(logits, batch.y)[:, None]

    def to_boundary(self, batch: Batch, x_adv: Tensor, response: Response, norm: Norm) -> Tensor:
        """The point slightly beyond the nearest linearised boundary, clipped to the box."""
        steepness = norm_of(response.grad.flatten(0, 1), "l1" if norm == "linf" else "l2").reshape(response.loss.shape)
        distance = response.loss.abs() / steepness.clamp_min(1e-6)
        nearest = distance.argmin(1)
        rows = torch.arange(len(x_adv), device=x_adv.device)
        grad = response.grad[rows, nearest]
        direction = grad.sign() if norm == "linf" else grad / per_sample(steepness[rows, nearest].clamp_min(1e-6), grad)
        length = distance[rows, nearest] + NUDGE * (batch.bounds[1] - batch.bounds[0])
        return (x_adv + (1 + self.overshoot) * per_sample(length, x_adv) * direction).clamp(*batch.bounds)


@dataclass(frozen=True, kw_only=True)
class DeepFool(Linearised):
    """Steps to the nearest linearised boundary until one is crossed.

    The result lies `overshoot` beyond the boundary, because the attack ends at the first crossing.
    """

    info: ClassVar[AttackInfo] = AttackInfo(
        name="deepfool",
        threats=("linf", "l2"),
        knowledge="white-box",
        targeted=False,
        cost="at most steps + 3 forwards, steps * (min(candidates, classes) - 1) backwards",
        paper="DeepFool: a simple and accurate method to fool deep neural networks, arXiv 1511.04599",
    )

    def start(self, batch: Batch) -> CrossState:
        return CrossState(x_adv=batch.x, over=torch.zeros_like(batch.y, dtype=torch.bool))

    def step(self, batch: Batch, state: State, response: Response) -> CrossState:
        assert isinstance(batch.threat, NormThreat)
        crossed = lead(batch, response) > 0
        stepped = self.to_boundary(batch, state.x_adv, response, batch.threat.norm)
        return CrossState(x_adv=torch.where(per_sample(crossed, batch.x), state.x_adv, stepped), over=crossed)

    def done(self, batch: Batch, state: State) -> Tensor:
        assert isinstance(state, CrossState)
        return state.over


#: Stop when a crossing reduces the distance by less than this fraction.
PROGRESS = 0.01

#: The line search aims at this fraction of the margin at its far end, because a query on the boundary is not adversarial.
BEYOND = 0.02

#: Phases of SuperDeepFool: steps to a boundary, query of a projection, search of the line from the image to a crossing.
WALKING, PROJECTED, SEARCHING = 0, 1, 2


@dataclass(kw_only=True)
class SearchState(CrossState):
    """State of SuperDeepFool.

    Parameters
    ----------
    phase
        ``(B,)``: the phase to which the query `x_adv` belongs, see `WALKING`.
    x_far, reach
        The nearest adversarial point so far and its l2 distance, infinite if there is none.
    asked
        ``(B,)``: number of queries on the line from the image to `x_far`.
    share
        ``(B,)``: position of `x_adv` on that line, as a fraction.
    low, high
        ``(B,)``: bracket of the boundary on that line.
    low_margin, high_margin
        ``(B,)``: margin of the wrong class at both ends, halved when the other end moves repeatedly.
    side
        ``(B,)``: the end that moved last: 1 for high, -1 for low, 0 for none.
    """

    phase: Tensor
    x_far: Tensor
    reach: Tensor
    asked: Tensor
    share: Tensor
    low: Tensor
    high: Tensor
    low_margin: Tensor
    high_margin: Tensor
    side: Tensor


@dataclass(frozen=True, kw_only=True)
class SuperDeepFool(Linearised):
    """DeepFool to a crossing, then projection of the perturbation onto the normal of the boundary there: SDF(inf, 1).

    Both are repeated until a projection is adversarial or few steps are left. Finally, the boundary on the line from the clean
    image to the nearest adversarial point is located by false position, which needs half the queries of the authors' bisection.

    Parameters
    ----------
    search_steps
        Queries of this line search, included in `steps`.
    """

    search_steps: int = 5

    needs_clean_logits: ClassVar[bool] = True
    info: ClassVar[AttackInfo] = AttackInfo(
        name="superdeepfool",
        threats=("l2",),
        knowledge="white-box",
        targeted=False,
        cost="at most steps + 3 forwards, steps * (min(candidates, classes) - 1) backwards",
        paper="SuperDeepFool: a new fast and accurate minimal adversarial attack, arXiv 2303.12481",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.search_steps < 0:
            raise UsageError(f"search_steps={self.search_steps} must be at least 0")

    def start(self, batch: Batch) -> SearchState:
        assert batch.clean_logits is not None
        zero, no = torch.zeros_like(batch.x[:, 0, 0, 0]), torch.zeros_like(batch.y)
        return SearchState(
            x_adv=batch.x,
            over=no.bool(),
            phase=no + WALKING,
            x_far=batch.x,
            reach=zero + torch.inf,
            asked=no,
            share=zero,
            low=zero,
            high=zero + 1,
            low_margin=adversarial_margin(batch.clean_logits, batch.y, None).to(zero.dtype),
            high_margin=zero,
            side=no,
        )

    def step(self, batch: Batch, state: State, response: Response) -> SearchState:
        assert isinstance(state, SearchState)
        x = batch.x
        margin = lead(batch, response)
        crossed = margin > 0
        before = state.reach
        state = narrowed(moved(batch, state, crossed, margin), crossed, margin)

        stalled = crossed & (state.reach > (1 - PROGRESS) * before)
        short = (response.step + 1 + self.search_steps >= self.steps) & state.reach.isfinite()
        settled = (state.phase == SEARCHING) | (crossed & (state.phase == PROJECTED)) | stalled | short
        project = crossed & ~settled
        over = settled & (state.asked == self.search_steps)

        aim = (BEYOND * state.high_margin - state.low_margin) / (state.high_margin - state.low_margin)
        share = state.low + (state.high - state.low) * aim
        on_line = x + per_sample(share, x) * (state.x_far - x)
        walked = self.to_boundary(batch, state.x_adv, response, "l2")
        x_adv = torch.where(per_sample(project, x), orthogonal(batch, state.x_adv, response.grad[:, 0]), walked)
        x_adv = torch.where(per_sample(settled, x), on_line, x_adv)
        return replace(
            state,
            x_adv=torch.where(per_sample(over, x), state.x_adv, x_adv),
            phase=torch.where(settled, SEARCHING, torch.where(project, PROJECTED, WALKING)),
            share=share,
            asked=state.asked + settled,
            over=over,
        )

    def done(self, batch: Batch, state: State) -> Tensor:
        assert isinstance(state, SearchState)
        return state.over


def lead(batch: Batch, response: Response) -> Tensor:
    """The margin of the best wrong class, minus a tolerance for rounding, ``(B,)``."""
    return (response.margin - 2 * least_lead(response.logits)).to(batch.x.dtype)


def orthogonal(batch: Batch, x_adv: Tensor, grad: Tensor) -> Tensor:
    """The point after projecting the perturbation onto the normal of the boundary, clipped to the box."""
    delta = x_adv - batch.x
    share = (delta * grad).flatten(1).sum(1) / grad.square().flatten(1).sum(1).clamp_min(1e-12)
    return (batch.x + per_sample(share, grad) * grad).clamp(*batch.bounds)


def moved(batch: Batch, state: SearchState, crossed: Tensor, margin: Tensor) -> SearchState:
    """The state after a query off the line: an adversarial point nearer than all previous ones becomes the line's end."""
    reach = norm_of(state.x_adv - batch.x, "l2")
    nearer = crossed & (state.phase != SEARCHING) & (reach < state.reach)
    return replace(
        state,
        x_far=torch.where(per_sample(nearer, batch.x), state.x_adv, state.x_far),
        reach=torch.where(nearer, reach, state.reach),
        high_margin=torch.where(nearer, margin, state.high_margin),
    )


def narrowed(state: SearchState, crossed: Tensor, margin: Tensor) -> SearchState:
    """The state after a query on the line. The margin of an end that stays twice is halved (Illinois rule)."""
    searching = state.phase == SEARCHING
    down, up = searching & crossed, searching & ~crossed
    low_margin = torch.where(down & (state.side == 1), state.low_margin / 2, state.low_margin)
    high_margin = torch.where(up & (state.side == -1), state.high_margin / 2, state.high_margin)
    return replace(
        state,
        low=torch.where(up, state.share, state.low),
        high=torch.where(down, state.share, state.high),
        low_margin=torch.where(up, margin, low_margin),
        high_margin=torch.where(down, margin, high_margin),
        side=torch.where(down, 1, torch.where(up, -1, state.side)),
    )
