"""Adversarial training on the worst images an iterative attack finds (Madry et al., arXiv 1706.06083)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from torch import Tensor
from torch.nn import functional

from robustkit.plugin import DefenseInfo, IterativeAttack, Recipe, Threat, TrainingBatch, UsageError, attack, check_threat


@dataclass(frozen=True, kw_only=True)
class PGDTraining(Recipe):
    """Madry's adversarial training: every image is replaced by the one an attack ends on.

    A step costs `steps` + 1 forward and backward passes. The attack sees the network in evaluation mode.

    Parameters
    ----------
    attack
        Any iterative attack by name.
    steps
        Steps it takes.
    step_size
        Length of a step in the threat's norm; None leaves the attack's own.
    """

    attack: str = "pgd"
    steps: int = 7
    step_size: float | None = None

    info: ClassVar[DefenseInfo] = DefenseInfo(
        name="pgd",
        kind="training",
        paper="Towards Deep Learning Models Resistant to Adversarial Attacks, arXiv 1706.06083",
    )

    def __post_init__(self) -> None:
        self.inner  # noqa: B018 - an unknown attack or a wrong value is reported now, not in the first batch

    @cached_property
    def inner(self) -> IterativeAttack[Any]:
        """The attack, built."""
        written = {} if self.step_size is None else {"step_size": self.step_size}
        built = attack(self.attack, steps=self.steps, **written)
        if not isinstance(built, IterativeAttack):
            raise UsageError(f"attack {self.attack!r} is not iterative: adversarial training needs one like pgd")
        return built

    def check(self, threat: Threat | None) -> None:
        super().check(threat)
        assert threat is not None
        check_threat(self.inner, threat)

    def loss(self, batch: TrainingBatch) -> Tensor:
        return functional.cross_entropy(batch.forward(batch.attacked(self.inner)), batch.y)
