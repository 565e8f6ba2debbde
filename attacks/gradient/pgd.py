"""Projected gradient descent: steepest steps projected back onto the ball (Madry et al., arXiv 1706.06083)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from robustkit.attacks.gradient.steepest import ascend
from robustkit.contract import AttackInfo
from robustkit.errors import UsageError
from robustkit.iterative import Batch, IterativeAttack, Response, State
from robustkit.threats import NormThreat, Threat


@dataclass(frozen=True, kw_only=True)
class PGD(IterativeAttack[State]):
    """Projected gradient descent on the cross-entropy, from random starts.

    Parameters
    ----------
    steps
        Steps a restart takes.
    step_size
        Length of a step in the threat's norm, in the unit of the bounds; None takes
        ``2.5 * eps / steps``, for l1 twice that.
    restarts
        Random starts a sample gets.
    random_start
        Whether to start from a random point of the ball rather than from the image itself.
    """

    steps: int = 40
    step_size: float | None = None
    restarts: int = 1
    random_start: bool = True

    info: ClassVar[AttackInfo] = AttackInfo(
        name="pgd",
        threats=("linf", "l2", "l1"),
        knowledge="white-box",
        targeted=True,
        cost="restarts * (steps + 1) + 1 forwards, restarts * steps backwards",
        paper="Towards Deep Learning Models Resistant to Adversarial Attacks, arXiv 1706.06083",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.step_size is not None and not self.step_size > 0:
            raise UsageError(f"step_size={self.step_size} must be above 0")
        if self.restarts < 1:
            raise UsageError(f"restarts={self.restarts} must be at least 1")

    def attempts(self, threat: Threat, num_classes: int) -> int:
        return self.restarts

    def start(self, batch: Batch) -> State:
        threat = batch.threat
        assert isinstance(threat, NormThreat)
        if not self.random_start:
            return State(x_adv=batch.x)
        return State(x_adv=threat.random_start(batch.x, batch.sample_ids, batch.attempt, batch.random, batch.bounds))

    def step(self, batch: Batch, state: State, response: Response) -> State:
        threat = batch.threat
        assert isinstance(threat, NormThreat)
        usual = (5.0 if threat.norm == "l1" else 2.5) * threat.eps / self.steps
        step_size = usual if self.step_size is None else self.step_size
        return State(x_adv=ascend(batch, state.x_adv, response.grad, step_size))
