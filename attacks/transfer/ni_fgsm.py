"""The Nesterov iterative fast gradient sign method: the gradient is taken where the momentum leads (Lin et al., arXiv 1908.06281)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from robustkit.attacks.transfer.mi_fgsm import COST, MIFGSM, MomentumState
from robustkit.plugin import AttackInfo, Batch, NormThreat


@dataclass(frozen=True, kw_only=True)
class NIFGSM(MIFGSM):
    """`MIFGSM` that asks about the point ahead of it, not about the point itself.

    As in the authors' code, a gradient counts there with a mean magnitude of 1, so that one gradient leads about one step
    ahead; for l2 with the length that such a gradient has. The point ahead may lie outside ball and box.

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
