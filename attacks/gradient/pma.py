"""Probability margin attack: ascent on the margin of the probabilities instead of the logits (Xie et al., arXiv 2411.15210)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from robustkit.attacks.gradient.apgd import APGD, NORMS
from robustkit.losses import adversarial_margin
from robustkit.plugin import AttackInfo, Batch, State


@dataclass(frozen=True, kw_only=True)
class PMA(APGD):
    """Auto-PGD on the margin of the likeliest wrong class over the label, or of the target over all others, in probability.

    Its gradient combines those of the cross-entropies of the label and of the other class, weighted by their probabilities.
    """

    info: ClassVar[AttackInfo] = AttackInfo(
        name="pma",
        threats=NORMS,
        knowledge="white-box",
        targeted=True,
        cost="restarts * (steps + 1) + 1 forwards, restarts * steps backwards; for l1, steps + 2 instead of steps if steps > 2",
        paper="Towards Million-Scale Adversarial Robustness Evaluation With Stronger Individual Attacks, arXiv 2411.15210",
    )

    def loss(self, batch: Batch, state: State, logits: Tensor) -> Tensor:
        return adversarial_margin(logits.softmax(1), batch.y, batch.targets)
