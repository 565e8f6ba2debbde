"""Images that stay on the model's device, up to a fixed size, for the measurements that ask for them again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from robustkit.benchmarks.running.records import Column
from robustkit.contracts.samples import Samples
from robustkit.crossing import sent

#: The most bytes of images that stay.
BUDGET = 2**30


class Resident:
    """Samples of shards with their images on a device.

    Parameters
    ----------
    device
        Where images go. On the CPU nothing is kept, for there they need not cross.
    budget
        The most bytes to keep.
    """

    def __init__(self, device: torch.device, budget: int = BUDGET) -> None:
        self.device, self.room = device, 0 if device.type == "cpu" else budget
        self._kept: dict[str, Samples] = {}

    def find(self, shard: str, ids: Column) -> Samples | None:
        """The samples of a shard with these ids, if all of them are here."""
        if (kept := self._kept.get(shard)) is None:
            return None
        rows = np.flatnonzero(np.isin(kept.ids.numpy(), ids))
        return kept.rows(torch.from_numpy(rows)) if len(rows) == len(ids) else None

    def take(self, shard: str, samples: Samples) -> Samples:
        """Samples from the host's memory with their images on the device, kept in the place of the shard's others if they fit."""
        moved = replace(samples, x=sent(samples.x, self.device))
        if (before := self._kept.pop(shard, None)) is not None:
            self.room += before.x.nbytes
        if moved.x.nbytes <= self.room:
            self.room -= moved.x.nbytes
            self._kept[shard] = moved
        return moved
