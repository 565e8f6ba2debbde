"""Auto-PGD started from a transfer attack, to overcome uninformative gradients at the clean image."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from robustkit.attacks.gradient.apgd import APGD
from robustkit.attacks.gradient.apgd_momentum import MomentumState
from robustkit.attacks.transfer.mi_fgsm import MIFGSM
from robustkit.plugin import AttackInfo, Batch, State, Threat, UsageError, per_sample
from robustkit.transfer import Surrogates


@dataclass(frozen=True, kw_only=True)
class APGDTransfer(APGD):
    """Auto-PGD on the cross-entropy, started from the image that `MIFGSM` crafts on the surrogates.

    Passes of the surrogates are not counted. Further restarts begin at random points.

    Parameters
    ----------
    steps, restarts, rho
        As in `APGD`.
    surrogate
        Models for crafting the starting points, see `robustkit.transfer.TransferAttack`; at least one.
    surrogate_steps
        Steps on the surrogates.
    """

    surrogate: Surrogates | None = None
    surrogate_steps: int = 10

    __pydantic_config__: ClassVar[dict[str, Any]] = {"arbitrary_types_allowed": True}
    needs_clean_logits: ClassVar[bool] = True
    info: ClassVar[AttackInfo] = AttackInfo(
        name="apgd-transfer",
        threats=("linf", "l2"),
        knowledge="white-box",
        targeted=True,
        cost="restarts * (steps + 1) + 1 forwards, restarts * steps backwards",
        paper=(
            "Reliable Evaluation of Adversarial Robustness with an Ensemble of Diverse Parameter-free Attacks, arXiv 2003.01690; "
            "start: Boosting Adversarial Attacks with Momentum, arXiv 1710.06081"
        ),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.surrogate_steps < 1:
            raise UsageError(f"surrogate_steps={self.surrogate_steps} must be at least 1")

    def check(self, threat: Threat) -> None:
        if self.surrogate is None:
            raise UsageError("attack 'apgd-transfer' starts from images crafted on another model: name it with surrogate=")
        super().check(threat)

    def start(self, batch: Batch) -> State:
        state = super().start(batch)
        assert isinstance(state, MomentumState)
        first = batch.attempt == 0
        if not bool(first.any()):
            return state
        x_start = torch.where(per_sample(first, batch.x), self._made(batch), state.x_adv)
        return replace(state, x_adv=x_start, x_from=x_start, x_best=x_start)

    def _made(self, batch: Batch) -> Tensor:
        assert batch.clean_logits is not None
        guide = MIFGSM(steps=self.surrogate_steps, surrogate=self.surrogate)
        return guide.craft(batch.samples, batch.threat, batch.bounds, batch.clean_logits.shape[1], batch.random.seed)
