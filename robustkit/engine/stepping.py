"""The hooks of an iterative attack, and the data that the driver passes to them.

An attack's file contains only its mathematics. Its state is a dataclass of per-sample tensors; the driver queries the model with
`state.x_adv`, passes the response to `step`, and removes, adds and restarts samples between steps.
So a step must not depend on other samples, and must not assume that all samples are at the same step.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Generic, TypeVar

from torch import Tensor

from robustkit.contracts.attack import Attack
from robustkit.contracts.criterion import Criterion
from robustkit.contracts.rows import Rows
from robustkit.contracts.samples import Samples
from robustkit.errors import UsageError
from robustkit.projections import Bounds
from robustkit.rng import SampleRandom
from robustkit.threats import Threat


@dataclass(kw_only=True)
class Batch(Rows):
    """The samples under attack, one row each.

    Parameters
    ----------
    samples
        Clean images, labels and targets; `x`, `y`, `targets` and `sample_ids` are shortcuts for its fields.
    attempt
        ``(B,)``: index of the restart or internal target, from 0.
    clean_logits
        ``(B, K)``: the model's columns for the clean images.
    criterion, threat, bounds, random
        Shared by all samples.
    """

    samples: Samples
    attempt: Tensor
    clean_logits: Tensor | None
    criterion: Criterion
    threat: Threat
    bounds: Bounds
    random: SampleRandom

    @property
    def x(self) -> Tensor:
        """Clean images ``(B, C, H, W)``."""
        return self.samples.x

    @property
    def y(self) -> Any:
        """Ground truth; labels ``(B,)`` for a classifier."""
        return self.samples.y

    @property
    def targets(self) -> Any:
        """Targets; classes ``(B,)`` for a classifier; None if the threat is untargeted."""
        return self.samples.targets

    @property
    def sample_ids(self) -> Tensor:
        """Sample ids ``(B,)``, which determine the random numbers."""
        return self.samples.ids


@dataclass(kw_only=True)
class State(Rows):
    """The state of an attack for each sample; subclasses add per-sample tensors.

    Parameters
    ----------
    x_adv
        ``(B, C, H, W)``: the images of the next query.
    witness
        ``(B, P)``: under a threat that renders images, the parameters that `x_adv` was rendered from.
    """

    x_adv: Tensor
    witness: Tensor | None = None


@dataclass(kw_only=True)
class Response(Rows):
    """The model's response to the query `state.x_adv`.

    Parameters
    ----------
    logits
        ``(B, K)``: the columns of the answer; the logits of a classifier.
    success
        Bool ``(B,)``: whether the attacker succeeds; with several draws, in most of them.
    margin
        ``(B,)``: the attacker's margin.
    loss
        ``(B,)`` or ``(B, J)``, from the attack's `loss`.
    grad
        ``(B, C, H, W)``, the gradient of each sample's loss; zeros for an attack without gradients. ``(B, J, C, H, W)`` for
        an attack with several losses. For an attack that overrides `leaf`, in the leaf's shape.
    step
        ``(B,)``: number of previous steps of this attempt.
    taken
        The same on the host, for decisions without a synchronisation.
    """

    logits: Tensor
    success: Tensor
    margin: Tensor
    loss: Tensor
    grad: Tensor
    step: Tensor
    taken: Tensor


S = TypeVar("S", bound=State)


@dataclass(frozen=True, kw_only=True)
class Stepping(Attack, Generic[S]):
    """An iterative attack: the hooks that the driver calls.

    Parameters
    ----------
    steps
        Steps per attempt.
    early_exit
        Stop a sample at its first success, and skip misclassified samples. If false, every sample takes every step, one
        attempt after another, for measuring; the same samples are successfully attacked.
    eot
        Draws per query for this attack alone, like ``model.with_draws(eot)``; the model's own draws count if they are more.
        Logits, losses and gradients of a query are means over the draws (expectation over transformation, arXiv 1707.07397).
        An image counts as adversarial if most of as many fresh draws are. Its search ends early only when fresh draws
        confirm that by a clear majority; otherwise the query with the greatest mean margin is returned.
    """

    steps: int
    early_exit: bool = True
    eot: int = 1

    needs_gradient: ClassVar[bool] = True
    needs_clean_logits: ClassVar[bool] = False
    #: Whether `cost` is exact for every survivor, or an upper bound.
    exact_cost: ClassVar[bool] = True
    #: Whether the search continues after a success, for a nearer one.
    minimizes: ClassVar[bool] = False
    #: Gradients per query: the J of a loss of shape ``(B, J)``.
    gradients: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise UsageError(f"steps={self.steps} must be at least 1")
        if self.eot < 1:
            raise UsageError(f"eot={self.eot} must be at least 1: the draws of a randomised model in each query")

    @property
    def least_draws(self) -> int:
        return self.eot

    def check_queries(self, threat: Threat, draws: int) -> None:
        if threat.queries is None:
            return
        draws = max(draws, self.eot)
        least = self.cost(replace(threat, queries=None), 2, draws)[0] if not self.early_exit else self.overhead(draws) + draws
        if threat.queries < least:
            raise UsageError(
                f"queries={threat.queries} of threat {threat.id!r} is below the minimum of {least} for attack {self.name!r} "
                "(including the clean pass and the verification): give more"
            )

    @property
    def leaves_when_found(self) -> bool:
        """Whether a sample leaves its slot at its first success."""
        return self.early_exit

    def overhead(self, draws: int) -> int:
        """Forward passes outside the search: clean pass and verification; with several draws also a confirmation."""
        return 2 if draws == 1 else 3 * draws

    def attempts(self, threat: Threat, num_classes: int) -> int:
        """The maximum number of restarts or internal targets per sample."""
        return 1

    def attempt_steps(self, threat: Threat) -> int:
        """The number of steps per attempt: `steps`, unless the attack's schedule needs a few more passes."""
        return self.steps

    def cost(self, threat: Threat, num_classes: int, draws: int = 1) -> tuple[int, int]:
        """Forward and backward passes per survivor, including the clean pass and the verification.

        With several draws this is an upper bound: every query, including the last, may be repeated for confirmation.
        """
        attempts, steps = self.attempts(threat, num_classes), self.attempt_steps(threat)
        backwards = attempts * steps * self.needs_gradient * self.gradients
        queries = attempts * (steps + 1)
        draws = max(draws, self.eot)
        return queries + 1 if draws == 1 else draws * (2 * queries + 2), draws * backwards

    @abstractmethod
    def start(self, batch: Batch) -> S:
        """The state before the first query."""

    @abstractmethod
    def step(self, batch: Batch, state: S, response: Response) -> S:
        """The next state, whose `x_adv` is the next query."""

    def done(self, batch: Batch, state: S) -> Tensor | None:
        """Which attempts are over before their last step, bool ``(B,)``; None if every step is always taken."""
        return None

    def follows(self, taken: Tensor) -> Tensor | None:
        """Which attempts need the gradient of their next query, bool ``(B,)`` on the host; None for all. The others get zeros.

        Parameters
        ----------
        taken
            ``(B,)``: number of steps taken, on the host.
        """
        return None

    def asks(self, batch: Batch, state: S) -> Tensor | None:
        """Which images the next query includes, bool ``(B,)``; None for all. The others were queried before, without success:
        they cost no pass, and their loss is ``-inf``. For attacks without gradients.
        """
        return None

    def leaf(self, state: S) -> Tensor:
        """The tensor ``(B, ...)`` to differentiate with respect to: the images, or the parameters they are rendered from."""
        return state.x_adv

    def view(self, batch: Batch, state: S, leaf: Tensor) -> Tensor:
        """The images of the query, as a differentiable function of the leaf; only admissible images can be a success."""
        return leaf

    def loss(self, batch: Batch, state: S, logits: Any) -> Tensor:
        """The loss to maximise, ``(B,)`` or ``(B, J)``: by default that of the model's criterion.

        Parameters
        ----------
        logits
            The model's outputs for the state's images.
        """
        return batch.criterion.loss(logits, batch.samples)
