"""The contracts of defenses: input transforms in front of a model, training recipes, certified predictors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from robustkit.model import Model

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
        if self.info.gradient == "exact":
            return self.apply(x, bounds)
        with torch.no_grad():
            value = self.apply(x.detach(), bounds)
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
        )
        self.defenses = defenses

    def preprocess(self, x: Tensor) -> Tensor:
        for defense in self.defenses:
            x = defense(x, self.bounds)
        return super().preprocess(x)


class Recipe(ABC):
    """A training recipe: which images and loss a step uses. Subclasses are frozen dataclasses."""

    info: ClassVar[DefenseInfo]

    @abstractmethod
    def loss(self, net: nn.Module, x: Tensor, y: Tensor, context: Any) -> Tensor:
        """The scalar loss of one training batch."""
