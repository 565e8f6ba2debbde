"""The walk along the decision boundary shared by HopSkipJump and CGBA: one query per step, each sample in its own phase.

A sample draws random images until one is adversarial (`DRAW`), bisects the path from there to its clean image to find a point
on the boundary (`BISECT`), queries random points around it to estimate the normal of the boundary (`PROBE`), and uses the
normal to move to a nearer point (`MOVE`), which each attack does differently. Then the next round begins.
"""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from robustkit.attacks.decision.noise import along, noise_image, uniform_noise
from robustkit.plugin import Batch, MinimumNormAttack, NormThreat, Response, State, UsageError, per_sample
from robustkit.threats import norm_of

DRAW, BISECT, PROBE, MOVE = range(4)


@dataclass(kw_only=True)
class Walk(State):
    """State of the walk.

    Parameters
    ----------
    phase
        ``(B,)``: the phase to which the query belongs.
    anchor
        ``(B, C, H, W)``: the adversarial end of the path during bisection, otherwise the point on the boundary.
    at, low, high
        ``(B,)``: the queried position on the current path, and the bracket of the bisection.
    rounds, probes
        ``(B,)``: number of rounds begun, and of probes around the current anchor.
    wins
        ``(B,)``: the sum of the decisions, 1 or -1.
    drift, pull
        ``(B, C, H, W)``: the sum of the probes' offsets in units of the radius, and the sum of the offsets times their
        decisions; then `pull` is the direction of the move.
    estimate
        ``(B, C, H, W)``: estimated normal of the boundary, towards adversarial images; initially zero.
    """

    phase: Tensor
    anchor: Tensor
    at: Tensor
    low: Tensor
    high: Tensor
    rounds: Tensor
    probes: Tensor
    wins: Tensor
    drift: Tensor
    pull: Tensor
    estimate: Tensor


def choose(condition: Tensor, first: Walk, second: Walk) -> Walk:
    """The rows of `first` where the condition ``(B,)`` holds, and of `second` elsewhere."""
    chosen = {}
    for field in dataclasses.fields(second):
        one, other = getattr(first, field.name), getattr(second, field.name)
        chosen[field.name] = other if one is other else torch.where(per_sample(condition, other), one, other)
    return Walk(**chosen)


@dataclass(frozen=True, kw_only=True)
class BoundaryWalk(MinimumNormAttack[Walk]):
    """A walk along the decision boundary; subclasses define the probes and the move.

    Parameters
    ----------
    steps
        Query budget per sample.
    initial_queries
        Number of probes in the first round; round t uses ``sqrt(t)`` times as many.
    """

    steps: int = 5000
    initial_queries: int = 30

    needs_gradient: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.initial_queries < 1:
            raise UsageError(
                f"initial_queries={self.initial_queries} must be at least 1: the number of probes in the first round"
            )

    @abstractmethod
    def tolerance(self, batch: Batch) -> float:
        """The bracket, as a fraction of the path, at which a bisection ends."""

    @abstractmethod
    def radius(self, batch: Batch, state: Walk) -> Tensor:
        """The l2 distance of the probes from the anchor, ``(B,)``."""

    @abstractmethod
    def depart(self, batch: Batch, state: Walk) -> Walk:
        """Begin the move along `state.estimate`."""

    @abstractmethod
    def image_at(self, batch: Batch, state: Walk) -> Tensor:
        """The image at position `state.at` of the move."""

    @abstractmethod
    def moved(self, batch: Batch, state: Walk, won: Tensor) -> Walk:
        """The state after the decision for the image at position `state.at` of the move."""

    def memory(self, batch: Batch) -> float:
        """Weight of the previous round's estimate in the next."""
        return 0.0

    def offsets(self, state: Walk, noise: Tensor) -> Tensor:
        """Directions of the probes, of any length, from uniform noise in [-1, 1]. Both ``(B, C, H, W)``."""
        return noise

    def start(self, batch: Batch) -> Walk:
        zero, none = torch.zeros_like(batch.x[:, 0, 0, 0]), torch.zeros_like(batch.y)
        first = noise_image(batch, uniform_noise(batch, 0, stream="start"), none)
        blank = torch.zeros_like(batch.x)
        return Walk(
            x_adv=first,
            phase=none,
            anchor=first,
            at=zero,
            low=zero,
            high=zero,
            rounds=none,
            probes=none,
            wins=zero,
            drift=blank,
            pull=blank,
            estimate=blank,
        )

    def step(self, batch: Batch, state: Walk, response: Response) -> Walk:
        won = response.success
        phase, after = state.phase, state
        for number, answer in ((DRAW, self._drawn), (BISECT, self._bisected), (PROBE, self._probed), (MOVE, self.moved)):
            after = choose(phase == number, answer(batch, state, won), after)
        noise = uniform_noise(batch, response.step)
        offset = self.offsets(after, noise)
        query = noise_image(batch, noise, response.step + 1)
        for number, image in (
            (BISECT, self._between(batch, after)),
            (PROBE, along(after.anchor, self.radius(batch, after) / norm_of(offset, "l2").clamp_min(1e-12), offset)),
            (MOVE, self.image_at(batch, after)),
        ):
            query = torch.where(per_sample(after.phase == number, query), image, query)
        return replace(after, x_adv=query.clamp(*batch.bounds))

    def bisect(self, state: Walk) -> Walk:
        """Begin the bisection from the adversarial image `state.x_adv` back to the boundary."""
        whole = torch.ones_like(state.at)
        return replace(
            state, phase=torch.full_like(state.phase, BISECT), anchor=state.x_adv, at=whole / 2, low=whole * 0, high=whole
        )

    def probe(self, state: Walk, anchor: Tensor) -> Walk:
        """Begin the next round at a point on the boundary."""
        zero, blank = torch.zeros_like(state.at), torch.zeros_like(anchor)
        return replace(
            state,
            phase=torch.full_like(state.phase, PROBE),
            anchor=anchor,
            rounds=state.rounds + 1,
            probes=torch.zeros_like(state.probes),
            wins=zero,
            drift=blank,
            pull=blank,
        )

    def _drawn(self, batch: Batch, state: Walk, won: Tensor) -> Walk:
        return choose(won, self.bisect(state), state)

    def _between(self, batch: Batch, state: Walk) -> Tensor:
        """The image at fraction `state.at` of the path from the clean image to the anchor; for linf, of the radius."""
        if norm(batch) == "l2":
            return along(batch.x, state.at, state.anchor - batch.x)
        radius = per_sample(state.at * norm_of(state.anchor - batch.x, "linf"), batch.x)
        return torch.minimum(torch.maximum(state.anchor, batch.x - radius), batch.x + radius)

    def _bisected(self, batch: Batch, state: Walk, won: Tensor) -> Walk:
        low, high = torch.where(won, state.low, state.at), torch.where(won, state.at, state.high)
        narrowed = replace(state, low=low, high=high, at=(low + high) / 2)
        arrived = self.probe(state, self._between(batch, replace(state, at=high)))
        return choose(high - low <= self.tolerance(batch), arrived, narrowed)

    def _probed(self, batch: Batch, state: Walk, won: Tensor) -> Walk:
        radius = per_sample(self.radius(batch, state).clamp_min(1e-12), batch.x)
        offset = (state.x_adv - state.anchor) / radius  # after clipping to the box
        decision = torch.where(won, 1, -1).to(offset.dtype)
        state = replace(
            state,
            probes=state.probes + 1,
            wins=state.wins + decision,
            drift=state.drift + offset,
            pull=along(state.pull, decision, offset),
        )
        mean = state.wins / state.probes
        # Subtracting the mean decision reduces the variance; if all decisions agree, it would leave nothing.
        fresh = along(state.pull, -torch.where(mean.abs() < 1, mean, 0), state.drift)
        enough = state.probes >= (self.initial_queries * state.rounds.to(mean.dtype).sqrt()).floor()
        told = replace(state, phase=torch.full_like(state.phase, MOVE), estimate=fresh + self.memory(batch) * state.estimate)
        return choose(enough, self.depart(batch, told), state)


def norm(batch: Batch) -> str:
    """The threat's norm."""
    assert isinstance(batch.threat, NormThreat)
    return batch.threat.norm


def unit(direction: Tensor) -> Tensor:
    """`direction` scaled to l2 norm 1; zero stays zero."""
    return along(torch.zeros_like(direction), 1 / norm_of(direction, "l2").clamp_min(1e-12), direction)
