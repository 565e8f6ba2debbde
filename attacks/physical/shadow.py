"""Shadow attack: a particle swarm searches the corners of a shadow (Zhong et al., arXiv 2203.03818)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from robustkit.attacks.score.random_search import search_loss
from robustkit.plugin import AttackInfo, Batch, IterativeAttack, RenderedThreat, Response, State, UsageError

#: The paper's inertia and its attraction to the best place of the particle and of the swarm.
INERTIA, OWN, COMMON = 1.0, 2.0, 2.0


@dataclass(kw_only=True)
class SwarmState(State):
    """State of a swarm of N particles in the unit cube of the threat's P parameters.

    Parameters
    ----------
    place, velocity
        ``(B, N, P)``.
    best_place, best_loss
        The best place of each particle so far ``(B, N, P)``, and its loss ``(B, N)``.
    """

    place: Tensor
    velocity: Tensor
    best_place: Tensor
    best_loss: Tensor


@dataclass(frozen=True, kw_only=True)
class Shadow(IterativeAttack[SwarmState]):
    """Particle swarm optimisation of a rendered threat's parameters by the model's scores, one particle a query.

    As in the paper, but the paper fixes how dark the shadow is, its loss is the label's probability, and particles may leave
    the range for one query.

    Parameters
    ----------
    steps
        Queries per attempt after the first one. The paper's attempts have 1,000.
    particles
        Their number; the first so many queries are uniform draws.
    speed
        Largest change of a parameter per move, as a share of its range.
    restarts
        Number of attempts; the paper makes up to 5.

    Raises
    ------
    UsageError
        If a number is out of range.
    """

    steps: int = 199
    particles: int = 10
    speed: float = 0.2
    restarts: int = 1

    needs_gradient: ClassVar[bool] = False
    info: ClassVar[AttackInfo] = AttackInfo(
        name="shadow",
        threats=("shadow",),
        knowledge="score",
        targeted=True,
        cost="restarts * (steps + 1) + 1 forwards",
        paper="Shadows can be Dangerous, arXiv 2203.03818",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.particles < 1:
            raise UsageError(f"particles={self.particles} must be at least 1")
        if not 0 < self.speed <= 1:
            raise UsageError(f"speed={self.speed} must be a share of a parameter's range, above 0 and at most 1")
        if self.restarts < 1:
            raise UsageError(f"restarts={self.restarts} must be at least 1")

    def attempts(self, threat: object, num_classes: int) -> int:
        return self.restarts

    def loss(self, batch: Batch, state: SwarmState, logits: Any) -> Tensor:
        return search_loss(batch, logits)

    def start(self, batch: Batch) -> SwarmState:
        low, _ = rendered(batch).limits(batch.x)
        drawn = batch.random.uniform(
            batch.sample_ids, (2, self.particles, len(low)), attempt=batch.attempt, stream="swarm", dtype=torch.float64
        )
        place, velocity = drawn[:, 0], self.speed * (2 * drawn[:, 1] - 1)
        unknown = torch.full_like(place[:, :, 0], -torch.inf)
        state = SwarmState(x_adv=batch.x, place=place, velocity=velocity, best_place=place, best_loss=unknown)
        return self._try(batch, state, torch.zeros_like(batch.sample_ids))

    def step(self, batch: Batch, state: SwarmState, response: Response) -> SwarmState:
        row = torch.arange(len(response.step), device=response.step.device)
        asked, number = response.step % self.particles, response.step + 1
        best_place, best_loss = state.best_place.clone(), state.best_loss.clone()
        better = response.loss > best_loss[row, asked]
        best_place[row, asked] = torch.where(better[:, None], state.place[row, asked], best_place[row, asked])
        best_loss[row, asked] = torch.where(better, response.loss.to(best_loss.dtype), best_loss[row, asked])

        moving = number % self.particles
        here, own, common = state.place[row, moving], best_place[row, moving], best_place[row, best_loss.argmax(1)]
        pull = batch.random.uniform(
            batch.sample_ids, (2, here.shape[1]), attempt=batch.attempt, step=number, stream="pull", dtype=torch.float64
        )
        fast = INERTIA * state.velocity[row, moving] + OWN * pull[:, 0] * (own - here) + COMMON * pull[:, 1] * (common - here)
        # The first queries of all particles are where they were drawn.
        fast = torch.where((number < self.particles)[:, None], 0.0, fast.clamp(-self.speed, self.speed))
        velocity, place = state.velocity.clone(), state.place.clone()
        velocity[row, moving] = torch.where((number < self.particles)[:, None], velocity[row, moving], fast)
        place[row, moving] = (here + fast).clamp(0, 1)
        moved = replace(state, place=place, velocity=velocity, best_place=best_place, best_loss=best_loss)
        return self._try(batch, moved, moving)

    def _try(self, batch: Batch, state: SwarmState, particle: Tensor) -> SwarmState:
        """The state whose next query is of these particles ``(B,)``."""
        threat = rendered(batch)
        low, high = threat.limits(batch.x)
        place = state.place[torch.arange(len(particle), device=particle.device), particle]
        parameters = torch.minimum(low + place * (high - low), high)
        return replace(state, x_adv=threat.transform(batch.x, parameters, batch.bounds), witness=parameters)


def rendered(batch: Batch) -> RenderedThreat:
    """The batch's threat, which renders images."""
    assert isinstance(batch.threat, RenderedThreat)
    return batch.threat
