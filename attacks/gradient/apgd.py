"""Auto-PGD: projected gradient ascent with an adaptive step size (Croce and Hein, arXiv 2003.01690; l1: 2103.01208).

The update rules follow the authors' code: `apgd_momentum` for linf and l2, `apgd_l1` for l1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from robustkit.attacks.gradient.apgd_l1 import SparseState, stages, start_sparse, step_sparse
from robustkit.attacks.gradient.apgd_momentum import MomentumState, start_momentum, step_momentum
from robustkit.losses import dlr, dlr_targeted, ranked_wrong
from robustkit.plugin import AttackInfo, Batch, IterativeAttack, NormThreat, Response, State, Threat, UsageError

NORMS = ("linf", "l2", "l1")
COST = "restarts * (steps + 1) + 1 forwards, restarts * steps backwards; for l1, steps + 2 instead of steps if steps > 2"
PAPER = (
    "Reliable Evaluation of Adversarial Robustness with an Ensemble of Diverse Parameter-free Attacks, arXiv 2003.01690; "
    "l1: Mind the Box, arXiv 2103.01208"
)


@dataclass(frozen=True, kw_only=True)
class APGD(IterativeAttack[State]):
    """Base class of the Auto-PGD attacks, which differ only in the loss.

    Parameters
    ----------
    steps
        Steps per restart. For l1 they are split 30, 30 and 40 % over balls of radius 3, 2 and 1 times eps, and each of the
        first two balls costs one additional pass.
    restarts
        Random starts per sample.
    rho
        The step size is halved if less than this fraction of the steps since the last checkpoint increased the loss (linf, l2).
    """

    steps: int = 100
    restarts: int = 1
    rho: float = 0.75

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.restarts < 1:
            raise UsageError(f"restarts={self.restarts} must be at least 1")
        if not 0 < self.rho <= 1:
            raise UsageError(f"rho={self.rho} must be above 0 and at most 1")

    def attempts(self, threat: Threat, num_classes: int) -> int:
        return self.restarts

    def attempt_steps(self, threat: Threat) -> int:
        assert isinstance(threat, NormThreat)
        return self.steps + (len(stages(self.steps)) - 1 if threat.norm == "l1" else 0)

    def start(self, batch: Batch) -> State:
        assert isinstance(batch.threat, NormThreat)
        return (start_sparse if batch.threat.norm == "l1" else start_momentum)(batch, self.steps)

    def step(self, batch: Batch, state: State, response: Response) -> State:
        if isinstance(state, SparseState):
            return step_sparse(batch, state, response, self.steps)
        assert isinstance(state, MomentumState)
        return step_momentum(batch, state, response, self.steps, self.rho)


@dataclass(frozen=True, kw_only=True)
class APGDCE(APGD):
    """Auto-PGD on the cross-entropy of the label, or on the log-probability of a given target."""

    info: ClassVar[AttackInfo] = AttackInfo(
        name="apgd-ce",
        threats=NORMS,
        knowledge="white-box",
        targeted=True,
        cost=COST,
        paper=PAPER,
    )


@dataclass(frozen=True, kw_only=True)
class APGDMargin(APGD):
    """Auto-PGD on the margin of the model's criterion: for classifiers, the logit margin of the best wrong class or target.

    Unlike the losses of the other variants, it is defined for every criterion, such as that of a segmenter or a detector.
    """

    info: ClassVar[AttackInfo] = AttackInfo(
        name="apgd-margin",
        threats=NORMS,
        knowledge="white-box",
        targeted=True,
        cost=COST,
        paper=PAPER,
        any_criterion=True,
    )

    def loss(self, batch: Batch, state: State, logits: Any) -> Tensor:
        return batch.criterion.margin(logits, batch.samples)


@dataclass(frozen=True, kw_only=True)
class APGDDLR(APGD):
    """Auto-PGD on the difference of logits ratio, which is invariant to shifting and scaling the logits.

    With two classes the ratio is constant, so the difference of the logits is used instead. Under a targeted threat, the loss
    is that of `APGDT` for the given target.
    """

    info: ClassVar[AttackInfo] = AttackInfo(
        name="apgd-dlr",
        threats=NORMS,
        knowledge="white-box",
        targeted=True,
        cost=COST,
        paper=PAPER,
    )

    def remark(self, num_classes: int) -> str | None:
        if num_classes >= 3:
            return None
        return (
            f"apgd-dlr: the DLR loss needs 3 classes and the model has {num_classes}, so the difference of the logits is "
            "maximised instead; apgd-ce is as effective."
        )

    def loss(self, batch: Batch, state: State, logits: Tensor) -> Tensor:
        if batch.targets is not None:
            return dlr_targeted(logits, batch.y, batch.targets)
        return dlr(logits, batch.y)


@dataclass(frozen=True, kw_only=True)
class APGDT(APGD):
    """Auto-PGD on the targeted difference of logits ratio, for one target class after another.

    Target classes are the wrong classes in descending order of the clean image's logits; under a targeted threat, only the
    given target. The ratio needs four classes; with two or three, the difference of the logits is used instead.

    Parameters
    ----------
    target_classes
        Number of target classes, at most all wrong classes; None means 9, or 5 for l1, as in standard AutoAttack.
    """

    target_classes: int | None = None

    needs_clean_logits: ClassVar[bool] = True
    info: ClassVar[AttackInfo] = AttackInfo(
        name="apgd-t",
        threats=NORMS,
        knowledge="white-box",
        targeted=True,
        cost=(
            "restarts * min(target_classes, classes - 1) * (steps + 1) + 1 forwards, "
            "restarts * min(target_classes, classes - 1) * steps backwards; for l1, steps + 2 instead of steps if steps > 2"
        ),
        paper=PAPER,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.target_classes is not None and self.target_classes < 1:
            raise UsageError(f"target_classes={self.target_classes} must be at least 1")

    def attempts(self, threat: Threat, num_classes: int) -> int:
        assert isinstance(threat, NormThreat)
        wanted = self.target_classes or (5 if threat.norm == "l1" else 9)
        return self.restarts * (1 if threat.targeted else min(wanted, num_classes - 1))

    def remark(self, num_classes: int) -> str | None:
        if num_classes >= 4:
            return None
        return (
            f"apgd-t: the targeted DLR loss needs 4 classes and the model has {num_classes}, so the difference of the logits is "
            "maximised instead, for each wrong class."
        )

    def loss(self, batch: Batch, state: State, logits: Tensor) -> Tensor:
        return dlr_targeted(logits, batch.y, self.targets(batch))

    def targets(self, batch: Batch) -> Tensor:
        """The target class of each sample's current attempt, ``(B,)``."""
        if batch.targets is not None:
            wanted: Tensor = batch.targets
            return wanted
        assert batch.clean_logits is not None
        wrong = ranked_wrong(batch.clean_logits, batch.y)
        return wrong.gather(1, (batch.attempt // self.restarts)[:, None]).squeeze(1)
