"""Basic iterative method: small steps from the clean image (Kurakin et al., arXiv 1607.02533)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from robustkit.attacks.gradient.steepest import ascend
from robustkit.plugin import AttackInfo, Batch, IterativeAttack, NormThreat, Response, State, UsageError


@dataclass(frozen=True, kw_only=True)
class BIM(IterativeAttack[State]):
    """Fixed-size steps on the cross-entropy without a random start; the paper covers linf only.

    Parameters
    ----------
    steps
        Number of steps.
    step_size
        Length of a step in the threat's norm, in the unit of the bounds; None means ``1.25 * eps / steps``, as in the paper.
    """

    steps: int = 10
    step_size: float | None = None

    info: ClassVar[AttackInfo] = AttackInfo(
        name="bim",
        threats=("linf", "l2", "l1"),
        knowledge="white-box",
        targeted=True,
        cost="steps + 2 forwards, steps backwards",
        paper="Adversarial Examples in the Physical World, arXiv 1607.02533",
        any_criterion=True,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.step_size is not None and not self.step_size > 0:
            raise UsageError(f"step_size={self.step_size} must be above 0")

    def start(self, batch: Batch) -> State:
        return State(x_adv=batch.x)

    def step(self, batch: Batch, state: State, response: Response) -> State:
        assert isinstance(batch.threat, NormThreat)
        step_size = 1.25 * batch.threat.eps / self.steps if self.step_size is None else self.step_size
        return State(x_adv=ascend(batch, state.x_adv, response.grad, step_size))
