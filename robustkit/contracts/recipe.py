"""The contract of training recipes: the images and the loss of a training step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from robustkit.contracts.attack import Attack
from robustkit.contracts.model import Model
from robustkit.contracts.preprocessor import DefenseInfo
from robustkit.contracts.samples import Samples
from robustkit.errors import UsageError
from robustkit.iterative import IterativeAttack
from robustkit.perturb import perturb
from robustkit.rng import SampleRandom
from robustkit.threats import Threat


@dataclass(frozen=True, kw_only=True)
class TrainingBatch:
    """One batch of a training run, as passed to its recipe.

    Parameters
    ----------
    x, y
        Images ``(B, C, H, W)`` in the model's bounds, after augmentation, and labels ``(B,)``.
    sample_ids
        ``(B,)``: indices of the training images, which determine their random numbers.
    forward
        The training pass: images in bounds to logits ``(B, K)``, with the network in training mode.
    model
        The same network, wrapped for attacks.
    threat
        The threat model to train against; None if none was given.
    num_classes
        K.
    seed
        Differs between epochs, so that random starts do too.
    progress
        The share of the training that is done, from 0 to 1.
    """

    x: Tensor
    y: Tensor
    sample_ids: Tensor
    forward: Callable[[Tensor], Tensor]
    model: Model
    threat: Threat | None
    num_classes: int
    seed: int
    progress: float = 1.0

    def attacked(self, attack: Attack) -> Tensor:
        """The images after all steps of the attack, and no other passes. A targeted threat uses random targets.

        Raises
        ------
        UsageError
            If the attack is not an iterative one.
        """
        if not isinstance(attack, IterativeAttack):
            raise UsageError(f"attack {attack.name!r} is not iterative and cannot be used in training: use one such as pgd")
        assert self.threat is not None
        targets = None
        if self.threat.targeted:
            draw = SampleRandom(self.seed, "target").integers(self.sample_ids, (), self.num_classes - 1)
            targets = (self.y + 1 + draw) % self.num_classes
        return perturb(attack, self.model, Samples(self.x, self.y, self.sample_ids, targets), self.threat, self.seed)


class Recipe(ABC):
    """A training recipe: the images and the loss of a training step. Subclasses are frozen dataclasses."""

    info: ClassVar[DefenseInfo]
    needs_threat: ClassVar[bool] = True

    @abstractmethod
    def loss(self, batch: TrainingBatch) -> Tensor:
        """The scalar loss of one training batch."""

    def check(self, threat: Threat | None) -> None:
        """Raise `UsageError` if the recipe cannot train against `threat`; called before training starts."""
        if self.needs_threat and threat is None:
            raise UsageError(f"recipe {self.info.name!r} trains against a threat: give one, such as --threat linf:8/255")
