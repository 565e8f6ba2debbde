"""Projected gradient ascent on the divergence from the clean prediction (Zhang et al., arXiv 1901.08573)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor
from torch.nn import functional

from robustkit.attacks.gradient.cycle import CycleState
from robustkit.attacks.gradient.pgd import PGD
from robustkit.plugin import AttackInfo, Batch


@dataclass(frozen=True, kw_only=True)
class PGDKL(PGD):
    """PGD on the KL divergence of the predicted distribution from that of the clean image: the inner attack of TRADES.

    It uses no label, so it changes the prediction as much as possible, not necessarily away from the label.
    """

    needs_clean_logits: ClassVar[bool] = True
    info: ClassVar[AttackInfo] = AttackInfo(
        name="pgd-kl",
        threats=("linf", "l2", "l1"),
        knowledge="white-box",
        targeted=False,
        cost="restarts * (steps + 1) + 1 forwards, restarts * steps backwards (at most, with cycle_detection)",
        paper="Theoretically Principled Trade-off between Robustness and Accuracy, arXiv 1901.08573",
    )

    def loss(self, batch: Batch, state: CycleState, logits: Tensor) -> Tensor:
        assert batch.clean_logits is not None
        now, clean = logits.log_softmax(1), batch.clean_logits.log_softmax(1)
        return functional.kl_div(now, clean, reduction="none", log_target=True).sum(1)
