"""A run that is being made: its model, its data in shards, and the records it has so far."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from robustkit.benchmarks.running import records
from robustkit.benchmarks.running.decoded import decoded
from robustkit.benchmarks.running.due import shards
from robustkit.benchmarks.running.records import Column, Records
from robustkit.benchmarks.running.resident import Resident
from robustkit.contracts.attack import boxed
from robustkit.contracts.model import Model
from robustkit.contracts.samples import Samples
from robustkit.data.base import Data
from robustkit.errors import EvidenceError

CLEAN = "clean"


class Shard(NamedTuple):
    """A part of the data whose records share a file: `name` is RANGE in the names of files."""

    name: str
    data: Data


class Part(NamedTuple):
    """The samples of one shard in a pool: `rows` says which, `skipped` why others that are due are not there."""

    shard: str
    rows: Tensor
    skipped: list[str]


class Pool(NamedTuple):
    """Samples of one or several shards, in order: their images on the model's device, all else on the CPU."""

    samples: Samples
    parts: list[Part]

    def of(self, part: Part) -> Samples:
        """The samples of one shard."""
        return self.samples.rows(part.rows)


@dataclass(frozen=True)
class Work:
    """What every step of a run needs.

    Parameters
    ----------
    folder
        The run folder.
    model, data, seed
        What is audited. `data` is already limited and matched to the model's classes.
    skip_broken
        Leave out files that cannot be read.
    clean_cell
        The name of the clean images' records.
    say
        Called with a sentence the user should see.
    """

    folder: Path
    model: Model
    data: Data
    seed: int
    skip_broken: bool
    clean_cell: str
    say: Callable[[str], None]

    def records_at(self, cell: str, shard: str) -> Path:
        """Where the records of a cell on a shard are."""
        return self.folder / "records" / cell / f"{shard}.parquet"

    def images_at(self, cell: str, shard: str) -> Path:
        """Where the images kept beside them are."""
        return self.folder / "adversarial" / cell / f"{shard}.safetensors"

    def read_or_none(self, cell: str, shard: str, ids: Column) -> Records | None:
        """Finished records, or None if they must be computed: also again, where a file is damaged or says that something failed."""
        path = self.records_at(cell, shard)
        if not path.exists():
            return None
        found = records.read(path, ids)
        if found is None:
            self.say(f"{path} is damaged: computing it again")
        return found if found is not None and found.sound else None

    def finished(self, cell: str, shard: str) -> Records:
        """The records of a cell that this run is through with.

        Raises
        ------
        EvidenceError
            If they are gone.
        """
        found = records.read(self.records_at(cell, shard))
        if found is None:
            raise EvidenceError(f"{self.records_at(cell, shard)} was removed or damaged meanwhile: run the same audit again")
        return found

    def rows(self, cell: str) -> Records:
        """All records of a cell that are on disk."""
        found = [records.read(self.records_at(cell, shard.name)) for shard in self.shards()]
        parts = [part for part in found if part is not None]
        return Records.join(parts) if parts else records.empty()

    @cached_property
    def shard_size(self) -> int:
        """Samples in a file of records, and the most in a pool."""
        return shard_size(self.model, (1,) if self._first is None else tuple(self._first.x.shape[1:]))

    @cached_property
    def classes(self) -> int:
        """The model's outputs; as many as are named where there is no image to ask it about."""
        if self._first is None:
            return len(self.model.classes or self.data.classes or ())
        return int(self.model.logits(self._first.x.to(self.model.device)).shape[1])

    @cached_property
    def _first(self) -> Samples | None:
        """The first sample that can be read."""
        return next(self.data.subset(range(len(self.data))).batches(self.model.spec, 1, skip_broken=True), None)

    def shards(self) -> list[Shard]:
        """The data in parts, by position."""
        parts = shards(len(self.data), self.shard_size)
        return [Shard(name, self._decoded.subset(range(at.start, at.stop))) for name, at in parts]

    @cached_property
    def _decoded(self) -> Data:
        return decoded(self.data, self.model.spec)

    @cached_property
    def _resident(self) -> Resident:
        return Resident(self.model.device)

    def load(self, due: Sequence[tuple[Shard, Column]]) -> Pool:
        """Some samples, by their ids, of some shards: read, where they are not on the device yet."""
        read, parts, held = [], [], 0
        for shard, ids in due:
            skipped: list[str] = []
            samples = self._resident.find(shard.name, ids)
            if samples is None:
                wanted = shard.data.subset(np.flatnonzero(np.isin(shard.data.ids, ids)))
                samples, skipped = self._resident.take(shard.name, self.read(wanted)), wanted.skipped
            read.append(samples)
            parts.append(Part(shard.name, torch.arange(held, held := held + len(samples)), skipped))
        found = [samples for samples in read if len(samples)] or read[:1]
        whole = found[0] if len(found) == 1 else Samples(*(torch.cat(column) for column in zip(*found, strict=True)))
        return Pool(whole, parts)

    def read(self, data: Data) -> Samples:
        """Images with every pixel inside the model's bounds, on the CPU."""
        found = next(data.batches(self.model.spec, max(len(data), 1), skip_broken=self.skip_broken), None)
        if found is None:
            none = torch.empty(0)
            return Samples(torch.empty(0, self.model.spec.channels, 1, 1), none.long(), none.long())
        return replace(found, x=boxed(self.model, found.x))


def shard_size(model: Model, shape: tuple[int, ...]) -> int:
    """Samples in a shard: enough to keep the batch full, few enough that memory does not grow with the data."""
    pixels = int(np.prod(shape))
    return max(32, min(512 if model.device.type == "cpu" else 4096, 2**24 // pixels))
