"""Nesterov iterative fast gradient sign method: gradients at the look-ahead point (Lin et al., arXiv 1908.06281)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from robustkit.attacks.transfer.mi_fgsm import COST, MIFGSM, MomentumState
from robustkit.plugin import AttackInfo, Batch, NormThreat


@dataclass(frozen=True, kw_only=True)
class NIFGSM(MIFGSM):
    """`MIFGSM` that queries the look-ahead point instead of the iterate.

    As in the authors' code, gradients are scaled to a mean magnitude of 1, so that one gradient looks about one step ahead; for
    l2, to the corresponding l2 norm. The look-ahead point may lie outside the ball and the box.

    Parameters
    ----------
    steps, step_size, decay, surrogate
        As in `MIFGSM`.
    """

    info: ClassVar[AttackInfo] = AttackInfo(
        name="ni-fgsm",
        threats=("linf", "l2"),
        knowledge="white-box",
        targeted=True,
        cost=COST,
        paper="Nesterov Accelerated Gradient and Scale Invariance for Adversarial Attacks, arXiv 1908.06281",
    )

    def view(self, batch: Batch, state: MomentumState, x_adv: Tensor) -> Tensor:
        assert isinstance(batch.threat, NormThreat)
        elements = x_adv[0].numel()
        unit = elements if batch.threat.norm == "linf" else math.sqrt(elements)
        return x_adv + self.length(batch.threat) * self.decay * unit * state.velocity
