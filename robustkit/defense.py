"""The contracts of defenses: input transforms in front of a model, training recipes, certified predictors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import torch
from torch import Tensor

from robustkit.contracts.attack import Attack
from robustkit.contracts.model import Model
from robustkit.contracts.samples import Samples
from robustkit.errors import UsageError
from robustkit.iterative import IterativeAttack
from robustkit.perturb import perturb
from robustkit.rng import SampleRandom
from robustkit.threats import Threat

Gradient = Literal["exact", "straight-through"]


@dataclass(frozen=True, kw_only=True)
class DefenseInfo:
    """What a defense says of itself.

    Parameters
    ----------
    name
        The name the literature uses.
    kind
        ``preprocessor``, ``training`` or ``certified``.
    gradient
        For a preprocessor: ``exact`` if autograd differentiates `Preprocessor.apply`; ``straight-through`` if the transform
        is not differentiable and its derivative is taken to be the identity's or that of `Preprocessor.surrogate`
        (BPDA, arXiv 1802.00420).
    paper
        Title and arXiv number.
    """

    name: str
    kind: Literal["preprocessor", "training", "certified"]
    gradient: Gradient | None = None
    paper: str


class Preprocessor(ABC):
    """An input transform: images in bounds to images in bounds. Subclasses are frozen dataclasses."""

    info: ClassVar[DefenseInfo]

    @abstractmethod
    def apply(self, x: Tensor, bounds: tuple[float, float]) -> Tensor:
        """The transformed images, ``(B, C, H, W)`` in the same bounds."""

    def surrogate(self, x: Tensor, bounds: tuple[float, float]) -> Tensor:
        """A differentiable stand-in whose gradient attacks use where `apply` has none; the identity unless overridden."""
        return x

    def __call__(self, x: Tensor, bounds: tuple[float, float]) -> Tensor:
        """`apply` in the forward pass; in the backward pass its own gradient, or the stated substitute."""
        # A transform may write on its input.
        if self.info.gradient == "exact":
            return self.apply(x.clone(), bounds)
        with torch.no_grad():
            value = self.apply(x.detach().clone(), bounds)
        if not x.requires_grad:
            return value
        smooth = self.surrogate(x, bounds)
        return value + (smooth - smooth.detach())


class DefendedModel(Model):
    """A model behind input transforms, attacked as a whole: gradients go through the transforms."""

    def __init__(self, model: Model, defenses: tuple[Preprocessor, ...]) -> None:
        super().__init__(
            model.net,
            bounds=model.bounds,
            mean=model.mean,
            std=model.std,
            spec=model.spec,
            name=model.name,
            classes=model.classes,
            device=model.device,
            batch_size=model.batch_size,
            draws=model.draws,
            knowledge=model.knowledge,
            criterion=model.criterion,
        )
        self.defenses = defenses
        self._undefended = model.undefended
        if model.twin is not None:
            self.twin = DefendedModel(model.twin, defenses)

    @property
    def undefended(self) -> Model:
        return self._undefended

    @property
    def dtype(self) -> torch.dtype:
        return self._undefended.dtype

    @property
    def parameters(self) -> int:
        return self._undefended.parameters

    def outputs(self, x: Tensor) -> Any:
        return self._undefended.outputs(self._transformed(x))

    def preprocess(self, x: Tensor) -> Tensor:
        return self._undefended.preprocess(self._transformed(x))

    def held(self) -> AbstractContextManager[None]:
        return self._undefended.frozen()

    def to_device(self, device: str | torch.device) -> None:
        super().to_device(device)
        self._undefended.to_device(device)

    def with_net(self, net: Any) -> Self:
        copied = super().with_net(net)
        copied._undefended = self._undefended.with_net(net)
        return copied

    def with_draws(self, draws: int) -> Self:
        more = super().with_draws(draws)
        if more is not self:
            more._undefended = self._undefended.with_draws(draws)
        return more

    def _transformed(self, x: Tensor) -> Tensor:
        for defense in self.defenses:
            x = defense(x, self.bounds)
        return x


@dataclass(frozen=True, kw_only=True)
class TrainingBatch:
    """One batch of a training run, as its recipe sees it.

    Parameters
    ----------
    x, y
        Images ``(B, C, H, W)`` in the model's bounds, after augmentation, and labels ``(B,)``.
    sample_ids
        ``(B,)``: which training images these are, for random numbers.
    forward
        The training pass: images in bounds to logits ``(B, K)``, with the network in training mode.
    model
        The same network as attacks see it.
    threat
        What to train against; None if none was named.
    num_classes
        K.
    seed
        Differs from epoch to epoch, so that a random start does too.
    """

    x: Tensor
    y: Tensor
    sample_ids: Tensor
    forward: Callable[[Tensor], Tensor]
    model: Model
    threat: Threat | None
    num_classes: int
    seed: int

    def attacked(self, attack: Attack) -> Tensor:
        """The images after all the attack's steps, at the cost of those steps. A targeted threat aims at random other classes.

        Raises
        ------
        UsageError
            If the attack is not an iterative one.
        """
        if not isinstance(attack, IterativeAttack):
            raise UsageError(f"attack {attack.name!r} takes no steps to train on: use an iterative one, such as pgd")
        assert self.threat is not None
        targets = None
        if self.threat.targeted:
            draw = SampleRandom(self.seed, "target").integers(self.sample_ids, (), self.num_classes - 1)
            targets = (self.y + 1 + draw) % self.num_classes
        return perturb(attack, self.model, Samples(self.x, self.y, self.sample_ids, targets), self.threat, self.seed)


class Recipe(ABC):
    """A training recipe: which images and loss a step uses. Subclasses are frozen dataclasses."""

    info: ClassVar[DefenseInfo]
    needs_threat: ClassVar[bool] = True

    @abstractmethod
    def loss(self, batch: TrainingBatch) -> Tensor:
        """The scalar loss of one training batch."""

    def check(self, threat: Threat | None) -> None:
        """Raise `UsageError` if the recipe cannot train against `threat`, before any time is spent."""
        if self.needs_threat and threat is None:
            raise UsageError(f"recipe {self.info.name!r} trains against a threat: name one, such as --threat linf:8/255")
