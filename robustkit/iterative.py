"""Base classes of iterative attacks and minimum-norm attacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeVar

from robustkit.contracts.model import Model
from robustkit.contracts.result import AttackResult
from robustkit.contracts.samples import Samples
from robustkit.engine.search import search
from robustkit.engine.stepping import State, Stepping
from robustkit.threats import Threat

S = TypeVar("S", bound=State)


@dataclass(frozen=True, kw_only=True)
class IterativeAttack(Stepping[S]):
    """An iterative attack. A subclass implements `start` and `step`; the engine does everything else.

    Parameters
    ----------
    steps, early_exit, eot
        As in `robustkit.engine.stepping.Stepping`.
    """

    def run(self, model: Model, samples: Samples, threat: Threat, seed: int) -> AttackResult:
        return search(self, model, samples, threat, seed)


@dataclass(frozen=True, kw_only=True)
class MinimumNormAttack(IterativeAttack[S]):
    """An iterative attack whose search continues after the first success, for a nearer one.

    The engine keeps the nearest adversarial image inside the box. So one run gives results for every eps: a sample is
    successfully attacked for every eps of at least `AttackResult.nearest_distance`. If the nearest image is beyond the threat's
    eps, `x_adv` is its projection onto the ball, as the best effort.

    Parameters
    ----------
    stop_at_eps
        Stop a sample at the first adversarial image within eps, for a verdict at this eps alone.
    """

    stop_at_eps: bool = False

    minimizes: ClassVar[bool] = True

    @property
    def leaves_when_found(self) -> bool:
        return self.early_exit and self.stop_at_eps

    def overhead(self, draws: int) -> int:
        """Forward passes outside the search: one more than other attacks, to verify the nearest image."""
        return super().overhead(draws) + draws

    def cost(self, threat: Threat, num_classes: int, draws: int = 1) -> tuple[int, int]:
        """Passes per survivor: one more forward pass than other attacks, to verify the nearest image."""
        forwards, backwards = super().cost(threat, num_classes, draws)
        return forwards + max(draws, self.eot), backwards
