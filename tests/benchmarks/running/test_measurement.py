"""Any measurement is carried out in pools, skips what is done, and goes on where it stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from robustkit import Model
from robustkit.benchmarks.running import work as working
from robustkit.benchmarks.running.measurement import measure
from robustkit.benchmarks.running.progress import Silent
from robustkit.benchmarks.running.work import Pool, Shard, Work
from robustkit.data import as_data


class Certificate:
    """Takes the samples whose ids are divisible by three; stops at the one it is told to."""

    name = "certificate"

    def __init__(self) -> None:
        self.files: dict[str, list[int]] = {}
        self.pools: list[list[int]] = []
        self.stop = -1

    def due(self, shard: Shard) -> Any:
        return shard.data.ids[shard.data.ids % 3 == 0]

    def is_done(self, shard: Shard, due: Any) -> bool:
        return np.array_equal(self.files.get(shard.name, [-1]), due)

    def compute(self, pool: Pool) -> None:
        self.pools.append(pool.samples.ids.tolist())
        for part in pool.parts:
            if self.stop in pool.of(part).ids.tolist():
                raise KeyboardInterrupt
            self.files[part.shard] = pool.of(part).ids.tolist()


class Counts(Silent):
    def __init__(self) -> None:
        self.said: list[tuple[int, bool]] = []

    def advance(self, cell: str, samples: int, *, cached: bool = False) -> None:
        self.said.append((samples, cached))


@pytest.fixture
def work(linear_model: Model, linear_data: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Work:
    """Twenty samples in shards of four."""
    monkeypatch.setattr(working, "shard_size", lambda *_: 4)
    return Work(tmp_path, linear_model, as_data(linear_data), 0, False, "clean", print)


def test_shards_share_pools_and_progress_counts_all_samples(work: Work) -> None:
    what, progress = Certificate(), Counts()
    measure(what, work, progress)
    assert what.pools == [[0, 3, 6, 9], [12, 15, 18]]
    assert list(what.files.values()) == [[0, 3], [6], [9], [12, 15], [18]]
    assert progress.said == [(4, False)] * 5


def test_an_interrupted_measurement_goes_on_with_the_same_pools(work: Work) -> None:
    what, progress = Certificate(), Counts()
    what.stop = 18
    with pytest.raises(KeyboardInterrupt):
        measure(what, work, progress)
    assert list(what.files.values()) == [[0, 3], [6], [9], [12, 15]]
    what.stop, what.pools = -1, []
    progress.said.clear()
    measure(what, work, progress)
    assert what.pools == [[12, 15, 18]]
    assert progress.said == [(4, True)] * 3 + [(4, False)] * 2
