"""The samples that every function passes on: images, what is true of them, and who they are."""

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
    """Some samples, one row each.

    Parameters
    ----------
    x
        Images ``(N, C, H, W)``.
    y
        What is true of them, as the model's criterion understands it: labels ``(N,)`` of a classifier, a mask an image, or a
        list of one value an image.
    ids
        ``(N,)`` integers: what the random numbers of each sample depend on.
    targets
        What a targeted attacker wants, in the form of `y`; None if any success counts.
    region
        Bool ``(N, H, W)``: where a patch may go; None for anywhere.
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
        """The same samples, of which any success counts."""
        return replace(self, targets=None)
