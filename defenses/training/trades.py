"""TRADES: cross-entropy on clean images plus the divergence of the worst image nearby (Zhang et al., arXiv 1901.08573)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from torch import Tensor
from torch.nn import functional

from robustkit.defenses.training.warmup import WarmUp
from robustkit.plugin import Attack, DefenseInfo, Threat, TrainingBatch, UsageError, attack, check_threat


@dataclass(frozen=True, kw_only=True)
class TRADES(WarmUp):
    """Cross-entropy on the clean images plus `beta` times the KL divergence between clean and adversarial predictions.

    A training step costs `steps` + 2 forward passes more than standard training, and `steps` + 1 backward passes more.

    Parameters
    ----------
    beta
        Weight of the divergence: the greater, the more robust and the less accurate the network becomes.
    steps
        Steps of the attack.
    step_size
        Length of a step in the threat's norm; None means ``2.5 * eps / steps``.
    warmup
        As in `robustkit.defenses.training.warmup.WarmUp`.
    """

    beta: float = 6.0
    steps: int = 10
    step_size: float | None = None

    info: ClassVar[DefenseInfo] = DefenseInfo(
        name="trades",
        kind="training",
        paper="Theoretically Principled Trade-off between Robustness and Accuracy, arXiv 1901.08573",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.beta > 0:
            raise UsageError(f"beta={self.beta} must be above 0: it is the weight of the divergence")
        self.inner  # noqa: B018 - report an invalid value now, not in the first batch

    @cached_property
    def inner(self) -> Attack:
        """The attack with its parameters."""
        written: dict[str, Any] = {} if self.step_size is None else {"step_size": self.step_size}
        return attack("pgd-kl", steps=self.steps, **written)

    def check(self, threat: Threat | None) -> None:
        super().check(threat)
        assert threat is not None
        check_threat(self.inner, threat)

    def loss(self, batch: TrainingBatch) -> Tensor:
        attacked = self.warmed(batch).attacked(self.inner)
        clean = batch.forward(batch.x)
        return functional.cross_entropy(clean, batch.y) + self.beta * divergence(batch.forward(attacked), clean).mean()


def divergence(logits: Tensor, clean: Tensor) -> Tensor:
    """The KL divergence of the predicted distribution from the clean one, ``(B,)``."""
    return functional.kl_div(logits.log_softmax(1), clean.log_softmax(1), reduction="none", log_target=True).sum(1)
