"""Standard training: the cross-entropy on clean images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor
from torch.nn import functional

from robustkit.plugin import DefenseInfo, Recipe, TrainingBatch, UsageError


@dataclass(frozen=True, kw_only=True)
class Standard(Recipe):
    """Training without an adversary, the baseline for hardening.

    Parameters
    ----------
    smoothing
        Share of each label that is spread over all classes (label smoothing, arXiv 1512.00567); it keeps the logits of a network
        that fits its data from growing until the softmax is 1 to the last digit.
    """

    smoothing: float = 0.0

    info: ClassVar[DefenseInfo] = DefenseInfo(
        name="standard", kind="training", paper="A Stochastic Approximation Method, doi:10.1214/aoms/1177729586"
    )
    needs_threat: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not 0 <= self.smoothing < 1:
            raise UsageError(f"smoothing={self.smoothing} must be a share from 0 to below 1, such as 0.1")

    def loss(self, batch: TrainingBatch) -> Tensor:
        return functional.cross_entropy(batch.forward(batch.x), batch.y, label_smoothing=self.smoothing)
