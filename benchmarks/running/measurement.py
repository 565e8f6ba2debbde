"""The contract of everything that a run computes per sample, and the function that executes and resumes it."""

from __future__ import annotations

from typing import Protocol

from robustkit.benchmarks.running.pools import pools
from robustkit.benchmarks.running.progress import Progress
from robustkit.benchmarks.running.records import Column
from robustkit.benchmarks.running.work import Pool, Shard, Work


class Measurement(Protocol):
    """Something computed per sample and stored in the run folder, one file per shard: the clean pass, an attack, a corruption
    sweep."""

    @property
    def name(self) -> str:
        """Its name in the progress display and in file names."""
        ...

    def due(self, shard: Shard) -> Column:
        """The ids of the samples of a shard that it must process."""
        ...

    def is_done(self, shard: Shard, due: Column) -> bool:
        """Whether the shard's file covers exactly these samples and is consistent."""
        ...

    def compute(self, pool: Pool) -> None:
        """Process all samples of some shards, and write each shard's file."""
        ...


def measure(what: Measurement, work: Work, progress: Progress) -> None:
    """Compute the missing parts of a measurement for all samples of a run, in pools of several shards."""
    for pool in pools(((shard, what.due(shard)) for shard in work.shards()), work.shard_size):
        cached = all(what.is_done(shard, due) for shard, due in pool)
        if not cached:
            progress.enter(what.name)
            what.compute(work.load(pool))
        for shard, _ in pool:
            progress.advance(what.name, len(shard.data), cached=cached)
