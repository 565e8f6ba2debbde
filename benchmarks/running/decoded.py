"""Images prepared for a model and kept in memory, up to a fixed size, for the cells that read them again."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from robustkit.data.base import Data, Source
from robustkit.data.labels import Labels
from robustkit.data.npz import NpzSource
from robustkit.data.prepare import prepare
from robustkit.data.tensors import TensorSource
from robustkit.global_state import own_random_state
from robustkit.spec import InputSpec

#: The most bytes of images that are kept.
BUDGET = 2**28


class Decoded:
    """A source of images that are ready for a model.

    The first that are read stay: every cell passes over the data in the same order, so that what was read last is what is needed
    last.

    Parameters
    ----------
    source, spec
        Where the images come from, and what they become.
    budget
        The most bytes to keep.
    """

    as_is = True

    def __init__(self, source: Source, spec: InputSpec, budget: int = BUDGET) -> None:
        self.source, self.spec = source, spec
        # One block, of which the system provides what is used: many small ones between a run's large tensors would keep the
        # memory of those from being used again.
        self.block, self.used = torch.empty(budget, dtype=torch.uint8), 0
        self.kept: dict[int, Tensor] = {}

    def image(self, position: int) -> Tensor:
        """One image, ``(C, H, W)``."""
        if position in self.kept:
            return expanded(self.kept[position], self.spec)
        image = self._read(position)
        if image.dtype == torch.float32:
            self._keep(position, compact(image, self.spec))
        return image

    def _keep(self, position: int, image: Tensor) -> None:
        end = self.used + image.nbytes
        if end <= len(self.block):
            self.kept[position] = self.block[self.used : end].view(image.dtype).view(image.shape).copy_(image)
            self.used = -(-end // 4) * 4  # where floats may begin

    def _read(self, position: int) -> Tensor:
        if not self.source.as_is:
            return prepare(self.source.image(position), self.spec)
        with own_random_state(
            torch.device("cpu"), position
        ):  # a random transform of the caller's gives each cell the same image
            image = self.source.image(position)
        return image if isinstance(image, Tensor) else prepare(image, self.spec)

    def where(self, position: int) -> str:
        """What the source calls it."""
        return self.source.where(position)

    def fingerprint(self, positions: Labels) -> str:
        """The source's."""
        return self.source.fingerprint(positions)


def decoded(data: Data, spec: InputSpec, budget: int = BUDGET) -> Data:
    """The same samples, from a source that keeps what it read; those of an array, which lies in memory or is mapped, as they are."""
    if isinstance(data.source, TensorSource | NpzSource):
        return data
    kept = copy.copy(data)
    kept.source = Decoded(data.source, spec, budget)
    return kept


def compact(image: Tensor, spec: InputSpec) -> Tensor:
    """An image as bytes where `expanded` gives back exactly the same; else the image itself."""
    low, high = spec.bounds
    levels = ((image - low) * (255 / (high - low))).nan_to_num(0).round().clamp(0, 255).to(torch.uint8)
    return levels if torch.equal(expanded(levels, spec), image) else image


def expanded(kept: Tensor, spec: InputSpec) -> Tensor:
    """The image that `compact` was given, as `prepare` made it of bytes."""
    low, high = spec.bounds
    return low + (high - low) * (kept.float() / 255) if kept.dtype == torch.uint8 else kept
