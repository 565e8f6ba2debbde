"""The samples that functions pass to each other: images, labels, ids, targets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor

from robustkit.contracts.rows import Rows, select
from robustkit.crossing import sent
from robustkit.outputs import mapped


@dataclass(frozen=True)
class Samples(Rows):
    """A batch of samples, one row per sample.

    Parameters
    ----------
    x
        Images ``(N, C, H, W)``.
    y
        Ground truth in the form that the model's criterion expects: labels ``(N,)`` for a classifier, one mask per image, or
        a list with one value per image.
    ids
        ``(N,)`` integers that determine each sample's random numbers.
    targets
        The goal of a targeted attack, in the form of `y`; None if untargeted.
    region
        Bool ``(N, H, W)``: where a patch may be placed; None for anywhere.
    """

    x: Tensor
    y: Any
    ids: Tensor
    targets: Any = None
    region: Tensor | None = None

    def __len__(self) -> int:
        return len(self.x)

    def __iter__(self) -> Iterator[Any]:
        """Images, `y` and ids, for ``x, y, ids = samples``."""
        return iter((self.x, self.y, self.ids))

    def rows(self, index: Tensor) -> Samples:
        """The samples at these positions, which may be on another device."""
        return select(self, index)

    def to(self, device: str | torch.device) -> Samples:
        """The samples on another device."""
        to = torch.device(device)
        return Samples(**{f.name: mapped(lambda tensor: sent(tensor, to), getattr(self, f.name)) for f in fields(self)})

    @property
    def untargeted(self) -> Samples:
        """The same samples without targets."""
        return replace(self, targets=None)
