"""The contract of an iterative attack: how it starts and how it steps. The engine does everything else.

An attack's file holds its mathematics. Its state is a dataclass of per-sample tensors; the engine asks the model about
`state.x_adv`, hands over the answer, and takes samples out of the batch, puts others in and restarts them between steps.
So a step may not look at other samples, and may not assume that all samples are at the same step.
"""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar, Generic, Self, TypeVar

import torch
from torch import Tensor

from robustkit.contract import Attack, AttackResult
from robustkit.errors import UsageError
from robustkit.losses import cross_entropy, cross_entropy_targeted
from robustkit.model import Model
from robustkit.projections import Bounds
from robustkit.rng import SampleRandom
from robustkit.threats import Threat


@dataclass(kw_only=True)
class Batch:
    """The samples an attack is working on. All tensors have one row a sample.

    Parameters
    ----------
    x, y
        Clean images ``(B, C, H, W)`` and labels ``(B,)``.
    targets
        The wanted class ``(B,)`` of a targeted threat, else None.
    sample_ids
        ``(B,)``, for random numbers.
    attempt
        ``(B,)``: which restart or internal target this is, from 0.
    clean_logits
        ``(B, K)``.
    threat, bounds, random
        Shared by all samples.
    """

    x: Tensor
    y: Tensor
    targets: Tensor | None
    sample_ids: Tensor
    attempt: Tensor
    clean_logits: Tensor | None
    threat: Threat
    bounds: Bounds
    random: SampleRandom


@dataclass(kw_only=True)
class State:
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
class Response:
    """The model's answer about `state.x_adv`.

    Parameters
    ----------
    logits
        ``(B, K)``.
    loss
        ``(B,)`` or ``(B, J)``, from the attack's `loss`.
    grad
        ``(B, C, H, W)``, the gradient of each sample's loss; zeros for an attack that does without. ``(B, J, C, H, W)`` for
        an attack with several losses. Of an attack with another `leaf`, in its shape.
    step
        ``(B,)``: how many steps of this attempt came before.
    """

    logits: Tensor
    loss: Tensor
    grad: Tensor
    step: Tensor


S = TypeVar("S", bound=State)
D = TypeVar("D")


@dataclass(frozen=True, kw_only=True)
class IterativeAttack(Attack, Generic[S]):
    """An attack that proposes images step by step.

    Parameters
    ----------
    steps
        Steps an attempt takes.
    early_exit
        A success leaves at once, and a sample that is already misclassified is not attacked. Without it every sample
        takes every step, one attempt after another, for measuring; the same samples fall.
    eot
        Draws of a randomised model in each query, or the model's own `draws` if those are more: logits, losses and gradients
        are averaged over them (expectation over transformation, arXiv 1707.07397). An image counts as adversarial if most of
        that many fresh draws say so. Its search ends early only when fresh draws confirm that clearly; else the query with the
        greatest mean margin is handed over.
    """

    steps: int
    early_exit: bool = True
    eot: int = 1

    needs_gradient: ClassVar[bool] = True
    needs_clean_logits: ClassVar[bool] = False
    #: Whether `cost` is what every surviving sample costs, or the most it can cost.
    exact_cost: ClassVar[bool] = True
    #: Gradients a query asks for: the J of a loss of shape ``(B, J)``.
    gradients: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise UsageError(f"steps={self.steps} must be at least 1")
        if self.eot < 1:
            raise UsageError(f"eot={self.eot} must be at least 1: the draws of a randomised model in each query")

    def drawing(self, model: Model) -> Self:
        """This attack, with at least as many draws in each query as the model is asked with."""
        return self if model.draws <= self.eot else replace(self, eot=model.draws)

    def check(self, threat: Threat) -> None:
        if threat.queries is None:
            return
        least = self.cost(replace(threat, queries=None), 2)[0] if not self.early_exit else self.overhead + self.eot
        if threat.queries < least:
            raise UsageError(
                f"queries={threat.queries} of threat {threat.id!r} is below the {least} that attack {self.name!r} needs at least "
                "(the clean pass and the verification count): give more"
            )

    @property
    def overhead(self) -> int:
        """Forward passes beside the search: the clean pass and the verification; with several draws also a confirmation."""
        return 2 if self.eot == 1 else 3 * self.eot

    def attempts(self, threat: Threat, num_classes: int) -> int:
        """How many restarts or internal targets a sample gets before the attack gives up on it."""
        return 1

    def attempt_steps(self, threat: Threat) -> int:
        """How many steps an attempt really takes: `steps`, unless the attack's schedule needs a few passes more."""
        return self.steps

    def cost(self, threat: Threat, num_classes: int) -> tuple[int, int]:
        """Forward and backward passes of a survivor: the clean pass and the verification included.

        With several draws it is the most there can be: every query, the last included, may be asked again for confirmation.
        """
        attempts, steps = self.attempts(threat, num_classes), self.attempt_steps(threat)
        backwards = attempts * steps * self.needs_gradient * self.gradients
        queries = attempts * (steps + 1)
        return queries + 1 if self.eot == 1 else self.eot * (2 * queries + 2), self.eot * backwards

    @abstractmethod
    def start(self, batch: Batch) -> S:
        """The state before the first query."""

    @abstractmethod
    def step(self, batch: Batch, state: S, response: Response) -> S:
        """The next state, whose `x_adv` is the next query."""

    def done(self, batch: Batch, state: S) -> Tensor | None:
        """Which attempts are over before their last step, bool ``(B,)``; None if every step is always taken."""
        return None

    def follows(self, batch: Batch, state: S) -> Tensor | None:
        """Which samples need this query's gradient, bool ``(B,)``; None if all do. The others get zeros, for a forward pass."""
        return None

    def asks(self, batch: Batch, state: S) -> Tensor | None:
        """Which images the model is asked about, bool ``(B,)``; None if all. The others were asked about before, in vain:
        they cost no pass, and their loss is ``-inf``. For attacks without gradients.
        """
        return None

    def leaf(self, state: S) -> Tensor:
        """What the gradient is taken with respect to, ``(B, ...)``: the images, or what they are rendered from."""
        return state.x_adv

    def view(self, batch: Batch, state: S, leaf: Tensor) -> Tensor:
        """What the model is asked about, as a differentiable function of the leaf; only an admissible view can be a success."""
        return leaf

    def loss(self, batch: Batch, state: S, logits: Tensor) -> Tensor:
        """The loss to climb, ``(B,)`` or ``(B, J)``: by default cross-entropy of the label, or log-probability of the target."""
        if batch.targets is not None:
            return cross_entropy_targeted(logits, batch.targets)
        return cross_entropy(logits, batch.y)

    def __call__(
        self,
        model: Model,
        x: Tensor,
        y: Tensor,
        threat: Threat,
        *,
        targets: Tensor | None = None,
        sample_ids: Tensor | None = None,
        seed: int = 0,
    ) -> AttackResult:
        from robustkit.engine import search

        return search(self, model, x, y, threat, targets=targets, sample_ids=sample_ids, seed=seed)


def _map_rows(first: D, rest: tuple[D, ...], function: object) -> D:
    assert dataclasses.is_dataclass(first)
    assert callable(function)
    changed = {
        field.name: function(*(getattr(item, field.name) for item in (first, *rest)))
        for field in dataclasses.fields(first)
        if isinstance(getattr(first, field.name), Tensor)
    }
    return dataclasses.replace(first, **changed)  # type: ignore[type-var]


def select(rows: D, index: Tensor) -> D:
    """The given rows of a dataclass of per-sample tensors."""
    return _map_rows(rows, (), lambda tensor: tensor[index])


def join(first: D, second: D) -> D:
    """The rows of one dataclass of per-sample tensors, then those of another."""
    return _map_rows(first, (second,), lambda a, b: torch.cat([a, b]))


def put(rows: D, index: Tensor, replacement: D) -> D:
    """The dataclass with the given rows replaced."""
    return _map_rows(rows, (replacement,), lambda a, b: a.index_copy(0, index, b))
