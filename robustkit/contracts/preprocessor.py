"""The contract of input transforms applied before a model, and the metadata of defenses."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

Gradient = Literal["exact", "straight-through"]


@dataclass(frozen=True, kw_only=True)
class DefenseInfo:
    """Metadata of a defense.

    Parameters
    ----------
    name
        The name used in the literature.
    kind
        ``preprocessor``, ``training`` or ``certified``.
    gradient
        Of a preprocessor: ``exact`` if autograd differentiates `Preprocessor.apply`; ``straight-through`` if the transform
        is not differentiable and its gradient is replaced by that of the identity or of `Preprocessor.surrogate`
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
        """A differentiable substitute whose gradient attacks use if `apply` has none; the identity unless overridden."""
        return x

    def __call__(self, x: Tensor, bounds: tuple[float, float]) -> Tensor:
        """The transformed images; the backward pass uses the gradient that `info.gradient` states."""
        # A transform may modify its input.
        if self.info.gradient == "exact":
            return self.apply(x.clone(), bounds)
        with torch.no_grad():
            value = self.apply(x.detach().clone(), bounds)
        if not x.requires_grad:
            return value
        smooth = self.surrogate(x, bounds)
        return value + (smooth - smooth.detach())
