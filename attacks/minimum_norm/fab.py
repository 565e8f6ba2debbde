"""Fast Adaptive Boundary attack: steps to linearised decision boundaries (Croce and Hein, arXiv 1907.02044).

The update rules and constants are those of the authors' code in AutoAttack.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from robustkit.attacks.minimum_norm.hyperplane import to_hyperplane
from robustkit.crossing import sent
from robustkit.losses import best_other, ranked_wrong, take
from robustkit.plugin import (
    AttackInfo,
    Batch,
    MinimumNormAttack,
    NormThreat,
    Response,
    State,
    Threat,
    UsageError,
    per_sample,
    select,
)
from robustkit.threats import norm_of
from robustkit.threats.norm import Norm

PAPER = "Minimally distorted Adversarial Examples with a Fast Adaptive Boundary Attack, arXiv 1907.02044"
DUAL: dict[Norm, Norm] = {"linf": "l1", "l2": "l2", "l1": "linf"}


@dataclass(frozen=True, kw_only=True)
class FAB(MinimumNormAttack[State]):
    """Steps to the nearest linearised boundary of all classes, biased towards the clean image.

    The point after a step is queried without a gradient: usually it is adversarial, and the next step starts from a point
    moved back towards the clean image, where the gradient is taken.

    Parameters
    ----------
    steps
        Boundary steps per attempt; each costs one query with a gradient and one without.
    restarts
        Starting points per sample: the clean image, then random points at a distance of eps / 2.
    alpha_max
        Maximum weight of the clean image's projection relative to the current point's projection.
    eta
        Length of a step as a multiple of the distance to the boundary.
    beta
        Fraction of the perturbation that is kept when an adversarial point is moved back.
    """

    steps: int = 100
    restarts: int = 1
    alpha_max: float = 0.1
    eta: float = 1.05
    beta: float = 0.9

    info: ClassVar[AttackInfo] = AttackInfo(
        name="fab",
        threats=("linf", "l2", "l1"),
        knowledge="white-box",
        targeted=False,
        cost="restarts * (2 * steps + 1) + 2 forwards, restarts * steps * (classes - 1) backwards",
        paper=PAPER,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.restarts < 1:
            raise UsageError(f"restarts={self.restarts} must be at least 1")
        if not 0 <= self.alpha_max <= 1:
            raise UsageError(f"alpha_max={self.alpha_max} must be between 0 and 1")
        if not self.eta >= 1:
            raise UsageError(f"eta={self.eta} must be at least 1: below, no step reaches the boundary")
        if not 0 < self.beta < 1:
            raise UsageError(f"beta={self.beta} must be above 0 and below 1")

    def attempts(self, threat: Threat, num_classes: int) -> int:
        return self.restarts

    def attempt_steps(self, threat: Threat) -> int:
        return 2 * self.steps

    def cost(self, threat: Threat, num_classes: int, draws: int = 1) -> tuple[int, int]:
        forwards, backwards = super().cost(threat, num_classes, draws)
        return forwards, backwards // 2 * (num_classes - 1)

    def loss(self, batch: Batch, state: State, logits: Tensor) -> Tensor:
        """Logit margins of all other classes over the label, ``(B, K - 1)``."""
        index = torch.arange(logits.shape[1] - 1, device=logits.device)
        others = index + (index >= batch.y[:, None])
        return logits.gather(1, others) - take(logits, batch.y)[:, None]

    def start(self, batch: Batch) -> State:
        x_adv = batch.x
        if self.restarts > 1:
            again = batch.attempt % self.restarts > 0
            x_adv = torch.where(per_sample(again, x_adv), half_way(batch), x_adv)
        return State(x_adv=x_adv)

    def step(self, batch: Batch, state: State, response: Response) -> State:
        adversarial = response.success
        last = response.step == 2 * self.steps - 1
        drawn_back = ((1 - self.beta) * (adversarial & ~last)).to(batch.x)
        x_adv = state.x_adv.lerp(batch.x, per_sample(drawn_back, batch.x))
        leaving = self.follows(response.taken).nonzero().squeeze(1)
        if len(leaving):
            landed = self.to_boundary(select(batch, leaving), select(state, leaving), select(response, leaving))
            x_adv[sent(leaving, x_adv.device)] = landed
        return replace(state, x_adv=x_adv)

    def follows(self, taken: Tensor) -> Tensor:
        """Whether a query needs a gradient: every other one does, those in between only test for success."""
        return taken % 2 == 0

    def to_boundary(self, batch: Batch, state: State, response: Response) -> Tensor:
        """Combine the projections of the point and of the clean image onto the nearest boundary, weighted by their distances."""
        threat, x, x_adv, bounds = batch.threat, batch.x, state.x_adv, batch.bounds
        assert isinstance(threat, NormThreat)
        rows = len(x)
        lead = response.loss.reshape(rows, -1).to(x.dtype)
        grad = response.grad.reshape(rows, lead.shape[1], -1)
        steepness = norm_of(grad.flatten(0, 1), DUAL[threat.norm]).reshape(lead.shape)
        nearest = (lead.abs() / (steepness + 1e-12)).argmin(1, keepdim=True)
        lead, normal = (
            lead.gather(1, nearest).squeeze(1),
            grad.gather(1, nearest[:, :, None].expand(-1, -1, grad.shape[2]))[:, 0],
        )
        from_x = ((x_adv - x).flatten(1) * normal).sum(1)
        here = to_hyperplane(x_adv.flatten(1), normal, -lead, threat.norm, bounds).reshape(x.shape)
        home = to_hyperplane(x.flatten(1), normal, from_x - lead, threat.norm, bounds).reshape(x.shape)
        reach_here, reach_home = (norm_of(d, threat.norm).clamp_min(1e-8) for d in (here, home))
        alpha = per_sample((reach_here / (reach_here + reach_home)).clamp_max(self.alpha_max), x)
        return ((x_adv + self.eta * here) * (1 - alpha) + (x + self.eta * home) * alpha).clamp(*bounds)


@dataclass(frozen=True, kw_only=True)
class FABT(FAB):
    """FAB towards the boundary of one target class after another, with one gradient per query.

    Target classes are the wrong classes in descending order of the clean image's logits. Under a targeted threat, only the
    given target is used, and its boundary is the one with the best of all other classes.

    Parameters
    ----------
    target_classes
        Number of target classes, at most all wrong classes.
    """

    target_classes: int = 9

    needs_clean_logits: ClassVar[bool] = True
    info: ClassVar[AttackInfo] = AttackInfo(
        name="fab-t",
        threats=("linf", "l2", "l1"),
        knowledge="white-box",
        targeted=True,
        cost=(
            "restarts * min(target_classes, classes - 1) * (2 * steps + 1) + 2 forwards, "
            "restarts * min(target_classes, classes - 1) * steps backwards"
        ),
        paper=PAPER,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.target_classes < 1:
            raise UsageError(f"target_classes={self.target_classes} must be at least 1")

    def attempts(self, threat: Threat, num_classes: int) -> int:
        return self.restarts * (1 if threat.targeted else min(self.target_classes, num_classes - 1))

    def cost(self, threat: Threat, num_classes: int, draws: int = 1) -> tuple[int, int]:
        forwards, backwards = MinimumNormAttack.cost(self, threat, num_classes, draws)
        return forwards, backwards // 2

    def loss(self, batch: Batch, state: State, logits: Tensor) -> Tensor:
        """Logit margin of the target class over the label; under a targeted threat, over all others. ``(B,)``."""
        if batch.targets is not None:
            return take(logits, batch.targets) - best_other(logits, batch.targets)
        assert batch.clean_logits is not None
        wrong = ranked_wrong(batch.clean_logits, batch.y)
        target = wrong.gather(1, (batch.attempt // self.restarts)[:, None]).squeeze(1)
        return take(logits, target) - take(logits, batch.y)


def half_way(batch: Batch) -> Tensor:
    """A random point at a distance of eps / 2, clipped to the box."""
    threat, x = batch.threat, batch.x
    assert isinstance(threat, NormThreat)
    draw = batch.random.uniform if threat.norm == "linf" else batch.random.normal
    noise = draw(batch.sample_ids, tuple(x.shape[1:]), attempt=batch.attempt, stream="start", dtype=x.dtype)
    if threat.norm == "linf":
        noise = 2 * noise - 1
    return (x + noise * per_sample(threat.eps / 2 / norm_of(noise, threat.norm).clamp_min(1e-12), x)).clamp(*batch.bounds)
