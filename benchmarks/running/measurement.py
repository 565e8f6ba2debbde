"""The contract of all that a run computes for its samples, and the one way that it is carried out and resumed."""

from __future__ import annotations

from typing import Protocol

from robustkit.benchmarks.running.pools import pools
from robustkit.benchmarks.running.progress import Progress
from robustkit.benchmarks.running.records import Column
from robustkit.benchmarks.running.work import Pool, Shard, Work


class Measurement(Protocol):
    """What is computed for samples and kept in a run's folder, in one file a shard: the clean pass, an attack, a corruption
    sweep."""

    @property
    def name(self) -> str:
        """What progress and files call it."""
        ...

    def due(self, shard: Shard) -> Column:
        """The ids of the samples of a shard that it is to answer."""
        ...

    def is_done(self, shard: Shard, due: Column) -> bool:
        """Whether the shard's file answers just these samples and can be believed."""
        ...

    def compute(self, pool: Pool) -> None:
        """Answer all samples of some shards, and write each shard's file."""
        ...


def measure(what: Measurement, work: Work, progress: Progress) -> None:
    """Compute whatever of a measurement is not on disk, for all samples of a run, in pools of several shards."""
    for pool in pools(((shard, what.due(shard)) for shard in work.shards()), work.shard_size):
        cached = all(what.is_done(shard, due) for shard, due in pool)
        if not cached:
            progress.enter(what.name)
            what.compute(work.load(pool))
        for shard, _ in pool:
            progress.advance(what.name, len(shard.data), cached=cached)
