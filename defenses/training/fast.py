"""Adversarial training with a single step from a random start (Wong et al., arXiv 2001.03994)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

from torch import Tensor
from torch.nn import functional

from robustkit.plugin import Attack, DefenseInfo, NormThreat, Recipe, Threat, TrainingBatch, UsageError, attack, check_threat


@dataclass(frozen=True, kw_only=True)
class Fast(Recipe):
    """Fast adversarial training: one large steepest-ascent step from a uniform random start.

    A training step costs two forward and backward passes. If alpha or eps is too large, the network may become robust to the
    single step only (catastrophic overfitting), which shows in the robust validation accuracy.

    Parameters
    ----------
    alpha
        Length of the step as a multiple of eps.
    """

    alpha: float = 1.25

    info: ClassVar[DefenseInfo] = DefenseInfo(
        name="fast",
        kind="training",
        paper="Fast is Better than Free: Revisiting Adversarial Training, arXiv 2001.03994",
    )

    def __post_init__(self) -> None:
        if not self.alpha > 0:
            raise UsageError(f"alpha={self.alpha} must be above 0: it is the step length as a multiple of eps")

    def check(self, threat: Threat | None) -> None:
        super().check(threat)
        if not isinstance(threat, NormThreat):
            raise UsageError(f"recipe 'fast' trains against norm balls such as linf:8/255, not {threat}")
        check_threat(_single_step(self.alpha * threat.eps), threat)

    def loss(self, batch: TrainingBatch) -> Tensor:
        assert isinstance(batch.threat, NormThreat)
        inner = _single_step(self.alpha * batch.threat.eps)
        return functional.cross_entropy(batch.forward(batch.attacked(inner)), batch.y)


@cache
def _single_step(step_size: float) -> Attack:
    return attack("pgd", steps=1, step_size=step_size)
