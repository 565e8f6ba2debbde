"""How an iterative attack starts and steps: what its file implements, and what the driver hands over.

An attack's file holds its mathematics. Its state is a dataclass of per-sample tensors; the driver asks the model about
`state.x_adv`, hands over the answer, and takes samples out of the batch, puts others in and restarts them between steps.
So a step may not look at other samples, and may not assume that all samples are at the same step.
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
    """The samples an attack is working on, one row each.

    Parameters
    ----------
    samples
        Clean images, labels, and what is wanted; `x`, `y`, `targets` and `sample_ids` are short for its parts.
    attempt
        ``(B,)``: which restart or internal target this is, from 0.
    clean_logits
        ``(B, K)``: the columns of the answer about the clean images.
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
        """What is true of them, of a classifier the labels ``(B,)``."""
        return self.samples.y

    @property
    def targets(self) -> Any:
        """What is wanted of each, of a classifier a class ``(B,)``; None if the threat is untargeted."""
        return self.samples.targets

    @property
    def sample_ids(self) -> Tensor:
        """``(B,)``, for random numbers."""
        return self.samples.ids


@dataclass(kw_only=True)
class State(Rows):
    """What an attack remembers of each sample; subclasses add per-sample tensors.

    Parameters
    ----------
    x_adv
        ``(B, C, H, W)``: the images to ask the model about next.
    witness
        ``(B, P)``: under a threat that renders images, what `x_adv` was rendered from.
    """

    x_adv: Tensor
    witness: Tensor | None = None


@dataclass(kw_only=True)
class Response(Rows):
    """What the one forward pass about `state.x_adv` showed.

    Parameters
    ----------
    logits
        ``(B, K)``: the columns of the answer; of a classifier its logits.
    success
        Bool ``(B,)``: the attacker has what it wants; of several draws, in most of them.
    margin
        ``(B,)``: how far the attacker leads.
    loss
        ``(B,)`` or ``(B, J)``, from the attack's `loss`.
    grad
        ``(B, C, H, W)``, the gradient of each sample's loss; zeros for an attack that does without. ``(B, J, C, H, W)`` for
        an attack with several losses. Of an attack with another `leaf`, in its shape.
    step
        ``(B,)``: how many steps of this attempt came before.
    taken
        The same in the host's memory, for what the host has to decide by it.
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
    """An attack that proposes images step by step: the hooks that the driver calls.

    Parameters
    ----------
    steps
        Steps an attempt takes.
    early_exit
        A success leaves at once, and a sample that is already misclassified is not attacked. Without it every sample
        takes every step, one attempt after another, for measuring; the same samples fall.
    eot
        Short for ``model.with_draws(eot)``, for this attack alone: draws belong to the model, and the more of the two counts.
        Logits, losses and gradients of a query are means over the draws (expectation over transformation, arXiv 1707.07397).
        An image counts as adversarial if most of that many fresh draws say so. Its search ends early only when fresh draws
        confirm that clearly; else the query with the greatest mean margin is handed over.
    """

    steps: int
    early_exit: bool = True
    eot: int = 1

    needs_gradient: ClassVar[bool] = True
    needs_clean_logits: ClassVar[bool] = False
    #: Whether `cost` is what every surviving sample costs, or the most it can cost.
    exact_cost: ClassVar[bool] = True
    #: Whether the search goes on after a success, for a nearer one.
    minimizes: ClassVar[bool] = False
    #: Gradients a query asks for: the J of a loss of shape ``(B, J)``.
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
                f"queries={threat.queries} of threat {threat.id!r} is below the {least} that attack {self.name!r} needs at least "
                "(the clean pass and the verification count): give more"
            )

    @property
    def leaves_when_found(self) -> bool:
        """Whether a sample leaves with its first success."""
        return self.early_exit

    def overhead(self, draws: int) -> int:
        """Forward passes beside the search: the clean pass and the verification; with several draws also a confirmation."""
        return 2 if draws == 1 else 3 * draws

    def attempts(self, threat: Threat, num_classes: int) -> int:
        """How many restarts or internal targets a sample gets before the attack gives up on it."""
        return 1

    def attempt_steps(self, threat: Threat) -> int:
        """How many steps an attempt really takes: `steps`, unless the attack's schedule needs a few passes more."""
        return self.steps

    def cost(self, threat: Threat, num_classes: int, draws: int = 1) -> tuple[int, int]:
        """Forward and backward passes of a survivor: the clean pass and the verification included.

        With several draws it is the most there can be: every query, the last included, may be asked again for confirmation.
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
        """Which attempts need the gradient of their next query, bool ``(B,)``; None if all do. The others get zeros, for a forward pass.

        Parameters
        ----------
        taken
            ``(B,)``: how many steps they took, in the host's memory, as is the answer.
        """
        return None

    def asks(self, batch: Batch, state: S) -> Tensor | None:
        """Which images the model is asked about, bool ``(B,)``; None if all. The others were asked about before, without success:
        they cost no pass, and their loss is ``-inf``. For attacks without gradients.
        """
        return None

    def leaf(self, state: S) -> Tensor:
        """What the gradient is taken with respect to, ``(B, ...)``: the images, or what they are rendered from."""
        return state.x_adv

    def view(self, batch: Batch, state: S, leaf: Tensor) -> Tensor:
        """What the model is asked about, as a differentiable function of the leaf; only an admissible view can be a success."""
        return leaf

    def loss(self, batch: Batch, state: S, logits: Any) -> Tensor:
        """The loss to climb, ``(B,)`` or ``(B, J)``: by default that of the model's criterion.

        Parameters
        ----------
        logits
            The model's outputs about the state's images.
        """
        return batch.criterion.loss(logits, batch.samples)
