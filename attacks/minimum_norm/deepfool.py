"""DeepFool: from one linearised boundary to the next until one is crossed (Moosavi-Dezfooli et al., arXiv 1511.04599).

SuperDeepFool brings the point of crossing to where the perturbation is orthogonal to the boundary (Abdollahpoorrostam et al.,
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

#: Added to every distance, in units of the box, as in the authors' code: close to a boundary an overshoot in proportion is none.
NUDGE = 1e-4


@dataclass(kw_only=True)
class CrossState(State):
    """What DeepFool remembers.

    Parameters
    ----------
    over
        Bool ``(B,)``: a boundary is crossed.
    """

    over: Tensor


@dataclass(frozen=True, kw_only=True)
class Linearised(MinimumNormAttack[State]):
    """What both attacks share: the gradients of the likeliest classes, and the step to the nearest of their boundaries.

    Parameters
    ----------
    steps
        Queries at most.
    overshoot
        How far beyond the linearised boundary a step goes, as a share of the way to it: what is found of a linear model lies so
        much beyond the nearest point. The authors took 0.02.
    candidates
        How many of the likeliest classes are linearised, the label among them.
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
        """How far each of the likeliest other classes is ahead of the label, the likeliest first: ``(B, J)``."""
        others = logits.scatter(1, batch.y[:, None], -torch.inf)
        return others.topk(min(self.candidates, logits.shape[1]) - 1).values - take(logits, batch.y)[:, None]

    def to_boundary(self, batch: Batch, x_adv: Tensor, response: Response, norm: Norm) -> Tensor:
        """A little beyond the nearest linearised boundary, clipped to the box."""
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

    What it finds lies `overshoot` beyond the boundary, for it ends with the crossing.
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


#: Crossings that come nearer by less than this share are the end.
PROGRESS = 0.01

#: The search on the line aims at this share of the lead at its far end, for a query on the boundary itself shows nothing.
BEYOND = 0.02

#: Where SuperDeepFool is: on the way to a boundary, at a projection, or on the line between the image and the nearest crossing.
WALKING, TURNED, SEARCHING = 0, 1, 2


@dataclass(kw_only=True)
class SearchState(CrossState):
    """What SuperDeepFool remembers.

    Parameters
    ----------
    phase
        ``(B,)``: what `x_adv` is, see `WALKING`.
    x_far, reach
        The nearest adversarial point so far and its l2 distance, infinite where there is none.
    asked
        ``(B,)``: queries on the line from the image to `x_far`.
    share
        ``(B,)``: how far along that line `x_adv` is.
    low, high
        ``(B,)``: between which shares the boundary lies.
    low_margin, high_margin
        ``(B,)``: by how much the wrong class leads there, halved while the other end moves.
    side
        ``(B,)``: which end moved last: 1 the high one, -1 the low one, 0 none.
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
    """DeepFool to a crossing, then the perturbation's projection onto the boundary's normal there: SDF(inf, 1).

    Both are repeated until a projection is adversarial or steps run short. At the end the line from the image to the nearest
    point found is searched for the boundary, by false position, which needs half the queries of the authors' bisection.

    Parameters
    ----------
    search_steps
        Queries of that search, out of `steps`.
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
        settled = (state.phase == SEARCHING) | (crossed & (state.phase == TURNED)) | stalled | short
        turn = crossed & ~settled
        over = settled & (state.asked == self.search_steps)

        aim = (BEYOND * state.high_margin - state.low_margin) / (state.high_margin - state.low_margin)
        share = state.low + (state.high - state.low) * aim
        on_line = x + per_sample(share, x) * (state.x_far - x)
        walked = self.to_boundary(batch, state.x_adv, response, "l2")
        x_adv = torch.where(per_sample(turn, x), orthogonal(batch, state.x_adv, response.grad[:, 0]), walked)
        x_adv = torch.where(per_sample(settled, x), on_line, x_adv)
        return replace(
            state,
            x_adv=torch.where(per_sample(over, x), state.x_adv, x_adv),
            phase=torch.where(settled, SEARCHING, torch.where(turn, TURNED, WALKING)),
            share=share,
            asked=state.asked + settled,
            over=over,
        )

    def done(self, batch: Batch, state: State) -> Tensor:
        assert isinstance(state, SearchState)
        return state.over


def lead(batch: Batch, response: Response) -> Tensor:
    """By how much the best wrong class leads more than rounding could undo, ``(B,)``."""
    return (response.margin - 2 * least_lead(response.logits)).to(batch.x.dtype)


def orthogonal(batch: Batch, x_adv: Tensor, grad: Tensor) -> Tensor:
    """The part of the perturbation along the boundary's normal, clipped to the box."""
    delta = x_adv - batch.x
    share = (delta * grad).flatten(1).sum(1) / grad.square().flatten(1).sum(1).clamp_min(1e-12)
    return (batch.x + per_sample(share, grad) * grad).clamp(*batch.bounds)


def moved(batch: Batch, state: SearchState, crossed: Tensor, margin: Tensor) -> SearchState:
    """The state after a query off the line: an adversarial point nearer than all before is where the line will lead."""
    reach = norm_of(state.x_adv - batch.x, "l2")
    nearer = crossed & (state.phase != SEARCHING) & (reach < state.reach)
    return replace(
        state,
        x_far=torch.where(per_sample(nearer, batch.x), state.x_adv, state.x_far),
        reach=torch.where(nearer, reach, state.reach),
        high_margin=torch.where(nearer, margin, state.high_margin),
    )


def narrowed(state: SearchState, crossed: Tensor, margin: Tensor) -> SearchState:
    """The state after a query on the line. An end that stays twice counts half, or it would stay for good (Illinois rule)."""
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
