"""A cell as a measurement: what is due to it, and which records it believes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from robustkit import Model
from robustkit.benchmarks.planning.cell import Cell
from robustkit.benchmarks.running.attack_cell import AttackCell
from robustkit.benchmarks.running.clean_pass import CleanPass
from robustkit.benchmarks.running.measurement import measure
from robustkit.benchmarks.running.progress import Silent
from robustkit.benchmarks.running.records import Records
from robustkit.benchmarks.running.work import Work
from robustkit.build import attack
from robustkit.data import as_data
from robustkit.threats import Threat

FIRST = Cell("pgd:steps=5", attack("pgd:steps=5"), Threat.parse("linf:0.105"), "attack", "all", "main", "context")
SECOND = replace(FIRST, spec="noise", attack=attack("noise"), on="survivors", before=(FIRST.name,))


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def work(linear_model: Model, linear_data: Any, tmp_path: Path, said: list[str]) -> Work:
    """A run whose clean pass and first cell are done."""
    made = Work(tmp_path, linear_model, as_data(linear_data), 0, False, "clean", said.append)
    measure(CleanPass(made), made, Silent())
    measure(AttackCell(FIRST, made, np.arange(0)), made, Silent())
    return made


def test_survivors_are_due_and_their_records_believed(work: Work) -> None:
    what, (shard,) = AttackCell(SECOND, work, np.arange(0)), work.shards()
    due = what.due(shard)
    assert due.tolist() == list(range(10, 20))
    assert not what.is_done(shard, due)
    what.compute(work.load([(shard, due)]))
    assert what.is_done(shard, due)
    assert not what.is_done(shard, due[1:])


def test_samples_of_the_curve_are_due_to_its_cells(work: Work) -> None:
    what, (shard,) = AttackCell(replace(FIRST, part="curve"), work, np.array([3, 8])), work.shards()
    assert what.due(shard).tolist() == [3, 8]


def test_records_that_contradict_the_images_are_not_believed(
    work: Work, said: list[str], rewrite: Callable[[Path, Callable[[Records], Records]], None]
) -> None:
    what, (shard,) = AttackCell(FIRST, work, np.arange(0)), work.shards()
    assert what.is_done(shard, what.due(shard))
    work.images_at(FIRST.name, shard.name).unlink()
    assert not what.is_done(shard, what.due(shard))
    assert said[-1].endswith("the stored images are missing or damaged; recomputing")
    what.compute(work.load([(shard, what.due(shard))]))
    rewrite(work.records_at(FIRST.name, shard.name), lambda rows: replace(rows, cell="another"))
    assert not what.is_done(shard, what.due(shard))
    assert "made for another attack" in said[-1]
