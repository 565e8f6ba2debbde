"""Constraint relaxation: cycles of ascent through a larger ball, the ball, and a smaller one (Pan et al., AAAI 2025)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from robustkit.attacks.gradient.steepest import ascend
from robustkit.crossing import sent
from robustkit.losses import best_other, ranked_wrong, take
from robustkit.plugin import (
    AttackInfo,
    Batch,
    IterativeAttack,
    NormThreat,
    Response,
    State,
    Threat,
    UsageError,
    per_sample,
    select,
)


@dataclass(kw_only=True)
class CRState(State):
    """An iterate, in the relaxed third of a cycle outside the threat.

    Parameters
    ----------
    abandoned
        Bool ``(B,)``: whether the attempt is over, because the target is too far behind.
    """

    abandoned: Tensor


@dataclass(frozen=True, kw_only=True)
class CR(IterativeAttack[CRState]):
    """Cycles of steepest ascent on the logit difference of target and label, for one target class after another.

    In the first third of a cycle the ball is relaxed to ``eps * (1 + scale)``, which leads around local optima; in the second
    it is the threat's. The last third starts from the projection onto ``eps * (1 - scale)`` plus uniform noise of radius
    ``eps * scale``. Steps have length ``eps * scale``; scale is 0.5 in the first cycle, is halved in each of the next, and is at
    least 0.05. Where the target is too far behind after two thirds of a cycle, the attempt is abandoned. This makes the attack
    cheap: samples near the decision boundary get all the steps, the others few.

    Target classes are the wrong classes in descending order of the clean image's logits; under a targeted threat, only the
    given target, compared with the best other class. In l1, where a step goes towards the best corner of the ball, the attack
    is weaker than `apgd-t`.

    It differs from the paper and the authors' code in six points. Targets are ranked on the clean image instead of after a
    short PGD. Relaxed iterates are not projected for an additional query: it cost more passes than the earlier successes saved
    and found nothing new, because the second third begins with that projection. The threshold for abandoning is relative to the
    clean image's difference instead of a number of logits, so it does not depend on the logits' scale. A cycle has 18 steps
    instead of 30, for nearly the same robust accuracy at two thirds of the passes. There are no further rounds for samples near
    the boundary. l2 and l1 are new.

    Parameters
    ----------
    steps
        Maximum number of steps per target class.
    cycle
        Steps per cycle.
    target_classes
        Number of target classes, at most all wrong classes.
    abandon
        An attempt is abandoned if the target is behind the label by more than ``abandon * scale`` times as much as on the clean
        image; None means never.
    """

    steps: int = 90
    cycle: int = 18
    target_classes: int = 3
    abandon: float | None = 0.5

    needs_clean_logits: ClassVar[bool] = True
    exact_cost: ClassVar[bool] = False
    info: ClassVar[AttackInfo] = AttackInfo(
        name="cr",
        threats=("linf", "l2", "l1"),
        knowledge="white-box",
        targeted=True,
        cost=(
            "at most min(target_classes, classes - 1) * (steps + 1) + 1 forwards, min(target_classes, classes - 1) * steps "
            "backwards; a target that is abandoned at once takes 2 / 3 * cycle steps"
        ),
        paper="Efficient Robustness Evaluation via Constraint Relaxation, AAAI 2025, https://ojs.aaai.org/index.php/AAAI/article/view/32670",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.cycle < 6:
            raise UsageError(f"cycle={self.cycle} must be at least 6, two steps in each third")
        if self.target_classes < 1:
            raise UsageError(f"target_classes={self.target_classes} must be at least 1")
        if self.abandon is not None and not self.abandon > 0:
            raise UsageError(f"abandon={self.abandon} must be above 0")

    def attempts(self, threat: Threat, num_classes: int) -> int:
        return 1 if threat.targeted else min(self.target_classes, num_classes - 1)

    def start(self, batch: Batch) -> CRState:
        threat = batch.threat
        assert isinstance(threat, NormThreat)
        x_adv = threat.random_start(batch.x, batch.sample_ids, self.draw(batch.attempt, 0), batch.random, batch.bounds)
        return CRState(x_adv=x_adv, abandoned=torch.zeros_like(batch.attempt, dtype=torch.bool))

    def step(self, batch: Batch, state: CRState, response: Response) -> CRState:
        threat, x = batch.threat, batch.x
        assert isinstance(threat, NormThreat)
        third = self.cycle // 3
        place = response.step % self.cycle
        scale = self.scale(response.step, x)
        # The last iterate is the attempt's result, so it must be inside the threat.
        relaxed = (place < third) & (response.step < self.steps - 1)
        x_adv = ascend(batch, state.x_adv, response.grad, threat.eps * scale, threat.eps * (1 + scale * relaxed))

        abandoned = state.abandoned
        if self.abandon is not None:
            assert batch.clean_logits is not None
            behind_at_first = -self.loss(batch, state, batch.clean_logits)
            abandoned = (place == 2 * third - 1) & (-response.loss > self.abandon * scale * behind_at_first)
        rows = (response.taken % self.cycle == 2 * third - 1).nonzero().squeeze(1)
        if len(rows):
            rows = sent(rows, x.device)
            x_adv[rows] = self.shaken(select(batch, rows), x_adv[rows], response.step[rows])
        return CRState(x_adv=x_adv, abandoned=abandoned)

    def done(self, batch: Batch, state: CRState) -> Tensor:
        return state.abandoned

    def loss(self, batch: Batch, state: State, logits: Tensor) -> Tensor:
        if batch.targets is not None:
            return take(logits, batch.targets) - best_other(logits, batch.targets)
        assert batch.clean_logits is not None
        target = ranked_wrong(batch.clean_logits, batch.y).gather(1, batch.attempt[:, None]).squeeze(1)
        return take(logits, target) - take(logits, batch.y)

    def scale(self, step: Tensor, like: Tensor) -> Tensor:
        """The length of a step relative to eps, ``(B,)``."""
        return (0.5 ** (step // self.cycle + 1).to(like.dtype)).clamp_min(0.05)

    def shaken(self, batch: Batch, x_adv: Tensor, step: Tensor) -> Tensor:
        """The projection onto the smaller ball plus noise that leads at most to the threat's boundary."""
        threat, x, bounds = batch.threat, batch.x, batch.bounds
        assert isinstance(threat, NormThreat)
        scale = self.scale(step, x)
        inner = threat.project(x, x_adv, bounds, threat.eps * (1 - scale))
        draw = self.draw(batch.attempt, step // self.cycle + 1)
        noisy = threat.random_start(inner, batch.sample_ids, draw, batch.random, bounds)
        return threat.project(x, inner.lerp(noisy, per_sample(scale, x)), bounds)

    def draw(self, attempt: Tensor, number: Tensor | int) -> Tensor:
        """The index of an attempt's start (number 0) or of its noise in a cycle (from 1) among all random points of a sample."""
        return attempt * (-(-self.steps // self.cycle) + 1) + number
