"""Standard training: the cross-entropy on clean images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor
from torch.nn import functional

from robustkit.plugin import DefenseInfo, Recipe, TrainingBatch


@dataclass(frozen=True, kw_only=True)
class Standard(Recipe):
    """Training without an adversary, the baseline for hardening."""

    info: ClassVar[DefenseInfo] = DefenseInfo(
        name="standard", kind="training", paper="A Stochastic Approximation Method, doi:10.1214/aoms/1177729586"
    )
    needs_threat: ClassVar[bool] = False

    def loss(self, batch: TrainingBatch) -> Tensor:
        return functional.cross_entropy(batch.forward(batch.x), batch.y)
