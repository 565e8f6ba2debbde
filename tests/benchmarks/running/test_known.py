"""The adversarial images of finished cells, as an attack starts from them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from robustkit import Model
from robustkit.benchmarks.planning.cell import Cell
from robustkit.benchmarks.running.attack_cell import AttackCell
from robustkit.benchmarks.running.clean_pass import CleanPass
from robustkit.benchmarks.running.known import known_images
from robustkit.benchmarks.running.measurement import measure
from robustkit.benchmarks.running.progress import Silent
from robustkit.benchmarks.running.records import Records
from robustkit.benchmarks.running.work import Work
from robustkit.build import attack
from robustkit.data import as_data
from robustkit.errors import EvidenceError
from robustkit.threats import Threat

FIRST = Cell("pgd:steps=5", attack("pgd:steps=5"), Threat.parse("linf:0.105"), "attack", "all", "main", "context")
NOISE = replace(FIRST, spec="noise", attack=attack("noise"))
NEARER = replace(
    FIRST,
    spec="shrink",
    attack=attack("shrink", shares=(0.25, 0.5)),
    on="survivors",
    part="curve",
    among=(NOISE.name, FIRST.name),
)


@pytest.fixture
def work(linear_model: Model, linear_data: Any, tmp_path: Path) -> Work:
    """A run whose clean pass and main cells are done; the first ten samples are successfully attacked."""
    made = Work(tmp_path, linear_model, as_data(linear_data), 0, False, "clean", print)
    measure(CleanPass(made), made, Silent())
    for cell in (NOISE, FIRST):
        measure(AttackCell(cell, made, np.arange(0)), made, Silent())
    return made


def test_images_are_those_of_the_last_cell_that_found_one(work: Work, linear_data: Any) -> None:
    (shard,) = work.shards()
    found = known_images(work, (NOISE.name, FIRST.name), shard.name, np.array([0, 9]))
    x, rows = linear_data[0][[0, 9]], work.finished(FIRST.name, shard.name)
    assert torch.equal(found.margin, -torch.from_numpy(rows["margin"][[0, 9]]))
    assert bool((found.margin > 0).all())
    assert found.clean_margin.tolist() == pytest.approx([-0.08, -0.8], abs=1e-5)
    assert float((found.x_adv - x).abs().max()) == pytest.approx(0.105, abs=1e-6)


def test_a_lost_image_is_named(work: Work) -> None:
    (shard,) = work.shards()
    work.images_at(FIRST.name, shard.name).unlink()
    with pytest.raises(EvidenceError, match="was removed or damaged during the run"):
        known_images(work, (FIRST.name,), shard.name, np.array([3]))


def test_a_cell_shrinks_the_images_of_those_before(work: Work) -> None:
    what = AttackCell(NEARER, work, np.arange(20))
    measure(what, work, Silent())
    (shard,) = work.shards()
    rows: Records = work.finished(NEARER.name, shard.name)
    assert rows["sample_id"].tolist() == list(range(10))
    assert rows["verified"].all()
    assert rows["nearest_distance"].tolist() == pytest.approx([0.02625] * 2 + [0.0525] * 3 + [0.105] * 5, abs=1e-6)
    assert what.is_done(shard, what.due(shard))
