"""Adversarial training on the images of an iterative attack (Madry et al., arXiv 1706.06083)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from torch import Tensor
from torch.nn import functional

from robustkit.defenses.training.warmup import WarmUp
from robustkit.plugin import DefenseInfo, IterativeAttack, Threat, TrainingBatch, UsageError, attack, check_threat


@dataclass(frozen=True, kw_only=True)
class PGDTraining(WarmUp):
    """Madry's adversarial training: every image is replaced by the attack's last iterate.

    A training step costs `steps` + 1 forward and backward passes. The attack uses the network in evaluation mode.

    Parameters
    ----------
    attack
        Name of an iterative attack.
    steps
        Steps of the attack.
    step_size
        Length of a step in the threat's norm; None uses the attack's default.
    warmup
        As in `robustkit.defenses.training.warmup.WarmUp`.
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
        super().__post_init__()
        self.inner  # noqa: B018 - report an unknown attack or invalid value now, not in the first batch

    @cached_property
    def inner(self) -> IterativeAttack[Any]:
        """The attack with its parameters."""
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
        return functional.cross_entropy(batch.forward(self.warmed(batch).attacked(self.inner)), batch.y)
