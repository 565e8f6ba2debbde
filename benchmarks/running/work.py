"""A run in progress: its model, its data in shards, and the records so far."""

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
    """A part of the data whose records share a file; `name` is the stem of the file's name."""

    name: str
    data: Data


class Part(NamedTuple):
    """The samples of one shard in a pool: `rows` are their positions, `skipped` lists the files that could not be read."""

    shard: str
    rows: Tensor
    skipped: list[str]


class Pool(NamedTuple):
    """Samples of one or several shards, in order, with images on the model's device and the rest on the CPU."""

    samples: Samples
    parts: list[Part]

    def of(self, part: Part) -> Samples:
        """The samples of one shard."""
        return self.samples.rows(part.rows)


@dataclass(frozen=True)
class Work:
    """The state shared by all steps of a run.

    Parameters
    ----------
    folder
        The run folder.
    model, data, seed
        The model, the data (already limited and matched to the model's classes), and the user's seed.
    skip_broken
        Whether files that cannot be read are skipped.
    clean_cell
        The cell name of the clean images' records.
    say
        Called with each message for the user.
    """

    folder: Path
    model: Model
    data: Data
    seed: int
    skip_broken: bool
    clean_cell: str
    say: Callable[[str], None]

    def records_at(self, cell: str, shard: str) -> Path:
        """The file of a cell's records of a shard."""
        return self.folder / "records" / cell / f"{shard}.parquet"

    def images_at(self, cell: str, shard: str) -> Path:
        """The file of a cell's stored images of a shard."""
        return self.folder / "adversarial" / cell / f"{shard}.safetensors"

    def read_or_none(self, cell: str, shard: str, ids: Column) -> Records | None:
        """Finished records, or None if they are missing, damaged or contain failures and must be computed."""
        path = self.records_at(cell, shard)
        if not path.exists():
            return None
        found = records.read(path, ids)
        if found is None:
            self.say(f"{path} is damaged: recomputing")
        return found if found is not None and found.sound else None

    def finished(self, cell: str, shard: str) -> Records:
        """The records of a completed cell.

        Raises
        ------
        EvidenceError
            If they were removed or damaged.
        """
        found = records.read(self.records_at(cell, shard))
        if found is None:
            raise EvidenceError(
                f"{self.records_at(cell, shard)} was removed or damaged during the run: run the same audit again"
            )
        return found

    def rows(self, cell: str) -> Records:
        """All records of a cell that are on disk."""
        found = [records.read(self.records_at(cell, shard.name)) for shard in self.shards()]
        parts = [part for part in found if part is not None]
        return Records.join(parts) if parts else records.empty()

    @cached_property
    def shard_size(self) -> int:
        """Samples per file of records, and the maximum per pool."""
        return shard_size(self.model, (1,) if self._first is None else tuple(self._first.x.shape[1:]))

    @cached_property
    def classes(self) -> int:
        """The number of the model's outputs; without any image, the number of named classes."""
        if self._first is None:
            return len(self.model.classes or self.data.classes or ())
        return int(self.model.logits(self._first.x.to(self.model.device)).shape[1])

    @cached_property
    def _first(self) -> Samples | None:
        """The first sample that can be read."""
        return next(self.data.subset(range(len(self.data))).batches(self.model.spec, 1, skip_broken=True), None)

    def shards(self) -> list[Shard]:
        """The data in shards, by position."""
        parts = shards(len(self.data), self.shard_size)
        return [Shard(name, self._decoded.subset(range(at.start, at.stop))) for name, at in parts]

    @cached_property
    def _decoded(self) -> Data:
        return decoded(self.data, self.model.spec)

    @cached_property
    def _resident(self) -> Resident:
        return Resident(self.model.device)

    def load(self, due: Sequence[tuple[Shard, Column]]) -> Pool:
        """The samples with the given ids in some shards, read unless they are cached on the device."""
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
        """The samples of some data with all pixels clipped to the model's bounds, on the CPU."""
        found = next(data.batches(self.model.spec, max(len(data), 1), skip_broken=self.skip_broken), None)
        if found is None:
            none = torch.empty(0)
            return Samples(torch.empty(0, self.model.spec.channels, 1, 1), none.long(), none.long())
        return replace(found, x=boxed(self.model, found.x))


def shard_size(model: Model, shape: tuple[int, ...]) -> int:
    """Samples per shard: enough to fill the batch, few enough to keep memory independent of the size of the data."""
    pixels = int(np.prod(shape))
    return max(32, min(512 if model.device.type == "cpu" else 4096, 2**24 // pixels))
