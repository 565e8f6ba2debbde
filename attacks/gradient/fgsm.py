"""Fast gradient sign method: one step of length eps (Goodfellow et al., arXiv 1412.6572)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from robustkit.attacks.gradient.steepest import ascend
from robustkit.plugin import AttackInfo, Batch, IterativeAttack, NormThreat, Response, State


@dataclass(frozen=True, kw_only=True)
class FGSM(IterativeAttack[State]):
    """One step of length eps from the clean image, which is optimal for a linear model under linf and l1.

    For l2 this is the fast gradient method; under a targeted threat, the one-step target class method of arXiv 1611.01236.
    """

    steps: int = field(default=1, init=False)

    info: ClassVar[AttackInfo] = AttackInfo(
        name="fgsm",
        threats=("linf", "l2", "l1"),
        knowledge="white-box",
        targeted=True,
        cost="3 forwards, 1 backward",
        paper="Explaining and Harnessing Adversarial Examples, arXiv 1412.6572",
        any_criterion=True,
    )

    def start(self, batch: Batch) -> State:
        return State(x_adv=batch.x)

    def step(self, batch: Batch, state: State, response: Response) -> State:
        assert isinstance(batch.threat, NormThreat)
        return State(x_adv=ascend(batch, state.x_adv, response.grad, batch.threat.eps))
