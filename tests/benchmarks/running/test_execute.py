"""A run goes cell by cell, with the survivors of all shards in common pools."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from robustkit import Model
from robustkit.benchmarks import verdict
from robustkit.benchmarks.audit import audit
from robustkit.benchmarks.running import attack_cell, records
from robustkit.benchmarks.running import work as working
from robustkit.benchmarks.running.job import Job
from robustkit.benchmarks.running.progress import Silent

SUITE = """summary = "s"
threats = ["linf"]
[[stage]]
attack = "pgd:steps=5"
[[stage]]
attack = "apgd-ce:steps=5"
on = "survivors"
[[stage]]
attack = "square:steps=5"
on = "survivors"
"""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[int]]]:
    """Which samples each cell is asked about at a time, in a run of twenty samples in shards of four."""
    said: list[tuple[str, list[int]]] = []
    carry_out = attack_cell.carry_out

    def listen(job: Job, model: Model) -> Any:
        if len(job.pool.samples.ids):
            said.append((job.cell.attack.name, job.pool.samples.ids.tolist()))
        return carry_out(job, model)

    monkeypatch.setattr(attack_cell, "carry_out", listen)
    monkeypatch.setattr(working, "shard_size", lambda *_: 4)
    monkeypatch.setattr(verdict, "write_documents", lambda *_: None)
    return said


class Count(Silent):
    """How many samples each cell is through with."""

    def __init__(self) -> None:
        self.total = 0
        self.done: dict[str, int] = {}

    def start(self, cells: list[Any], samples: int) -> None:
        self.total += len(cells) * samples

    def advance(self, cell: str, samples: int, *, cached: bool = False) -> None:
        self.done[cell] = self.done.get(cell, 0) + samples


def run(model: Model, data: Any, folder: Path, threat: str = "linf:0.185", **options: Any) -> Any:
    suite = folder / "three.toml"
    suite.write_text(SUITE)
    return audit(model, data, threats=[threat], suite=str(suite), out=folder / "run", **options)


def test_survivors_of_all_shards_share_pools(linear_model: Model, linear_data: Any, tmp_path: Path, asked: list[Any]) -> None:
    order = [at for shard in range(5) for at in (shard, shard + 5, shard + 10, shard + 15)]  # each shard has a far image
    x, y = linear_data[0][order], linear_data[1]
    progress = Count()
    run(linear_model, (x, y), tmp_path, "linf:0.165", progress=progress)
    assert asked[:5] == [("pgd", list(range(at, at + 4))) for at in range(0, 20, 4)]
    assert asked[5:] == [("apgd-ce", [7, 11, 15, 19]), ("square", [7, 11, 15, 19])]
    assert progress.total == 80
    assert set(progress.done.values()) == {20}


def test_a_shard_with_nothing_due_has_empty_records(
    linear_model: Model, linear_data: Any, tmp_path: Path, asked: list[Any]
) -> None:
    run(linear_model, linear_data, tmp_path)
    assert asked[5:] == [("apgd-ce", [18, 19]), ("square", [18, 19])]
    (folder,) = (tmp_path / "run" / "records").glob("square-*")
    rows = [records.read(path) for path in sorted(folder.iterdir())]
    assert [None if each is None else len(each) for each in rows] == [0, 0, 0, 0, 2]


def test_a_run_that_is_interrupted_loses_one_pool(
    linear_model: Model, linear_data: Any, tmp_path: Path, asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(linear_model, linear_data, tmp_path).summary
    (tmp_path / "run").rename(tmp_path / "whole")
    asked.clear()
    write = records.write

    def interrupted(path: Path, rows: Any) -> None:
        if path.parent.name.startswith("apgd-ce") and len(rows):
            raise KeyboardInterrupt
        write(path, rows)

    with monkeypatch.context() as patch:
        patch.setattr(records, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(linear_model, linear_data, tmp_path)
    assert [name for name, _ in asked] == ["pgd"] * 5 + ["apgd-ce"]
    asked.clear()
    again = run(linear_model, linear_data, tmp_path).summary
    assert asked == [("apgd-ce", [18, 19]), ("square", [18, 19])]
    assert [threat["robust_accuracy"] for threat in again["threats"]] == [each["robust_accuracy"] for each in whole["threats"]]
