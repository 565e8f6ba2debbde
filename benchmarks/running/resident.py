"""A cache, of limited size, of images on the model's device."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from robustkit.benchmarks.running.records import Column
from robustkit.contracts.samples import Samples
from robustkit.crossing import sent

#: Size of the cache in bytes.
BUDGET = 2**30


class Resident:
    """A cache of samples by shard, with their images on a device.

    Parameters
    ----------
    device
        The device of the images. Nothing is cached for the CPU, which needs no transfer.
    budget
        Size of the cache in bytes.
    """

    def __init__(self, device: torch.device, budget: int = BUDGET) -> None:
        self.device, self.room = device, 0 if device.type == "cpu" else budget
        self._kept: dict[str, Samples] = {}

    def find(self, shard: str, ids: Column) -> Samples | None:
        """The samples of a shard with these ids, if all of them are cached."""
        if (kept := self._kept.get(shard)) is None:
            return None
        rows = np.flatnonzero(np.isin(kept.ids.numpy(), ids))
        return kept.rows(torch.from_numpy(rows)) if len(rows) == len(ids) else None

    def take(self, shard: str, samples: Samples) -> Samples:
        """Move the images of samples to the device; cache them instead of the shard's previous samples if they fit."""
        moved = replace(samples, x=sent(samples.x, self.device))
        if (before := self._kept.pop(shard, None)) is not None:
            self.room += before.x.nbytes
        if moved.x.nbytes <= self.room:
            self.room -= moved.x.nbytes
            self._kept[shard] = moved
        return moved
