"""A memory cache, of limited size, of images prepared for a model, for cells that read them again."""

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

#: Size of the cache in bytes.
BUDGET = 2**28


class Decoded:
    """A source that caches images prepared for a model.

    The images read first stay cached: every cell reads the data in the same order, so evicting them would cause a miss on
    every read.

    Parameters
    ----------
    source, spec
        The source of the images, and the model's input specification.
    budget
        Size of the cache in bytes.
    """

    as_is = True

    def __init__(self, source: Source, spec: InputSpec, budget: int = BUDGET) -> None:
        self.source, self.spec = source, spec
        # One lazily committed block: many small allocations between a run's large tensors would fragment memory.
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
            self.used = -(-end // 4) * 4  # aligned for float32

    def _read(self, position: int) -> Tensor:
        if not self.source.as_is:
            return prepare(self.source.image(position), self.spec)
        # Seeded, so that a random transform of the user's gives every cell the same image.
        with own_random_state(torch.device("cpu"), position):
            image = self.source.image(position)
        return image if isinstance(image, Tensor) else prepare(image, self.spec)

    def where(self, position: int) -> str:
        """The source's name for the image."""
        return self.source.where(position)

    def fingerprint(self, positions: Labels) -> str:
        """The source's fingerprint."""
        return self.source.fingerprint(positions)


def decoded(data: Data, spec: InputSpec, budget: int = BUDGET) -> Data:
    """The same samples with a caching source; unchanged if they come from an array, which is in memory or mapped."""
    if isinstance(data.source, TensorSource | NpzSource):
        return data
    kept = copy.copy(data)
    kept.source = Decoded(data.source, spec, budget)
    return kept


def compact(image: Tensor, spec: InputSpec) -> Tensor:
    """An image as bytes if `expanded` restores it exactly, otherwise the image itself."""
    low, high = spec.bounds
    levels = ((image - low) * (255 / (high - low))).nan_to_num(0).round().clamp(0, 255).to(torch.uint8)
    return levels if torch.equal(expanded(levels, spec), image) else image


def expanded(kept: Tensor, spec: InputSpec) -> Tensor:
    """The image that was passed to `compact`."""
    low, high = spec.bounds
    return low + (high - low) * (kept.float() / 255) if kept.dtype == torch.uint8 else kept
