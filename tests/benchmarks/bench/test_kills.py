"""What the kill command takes for the same outcome, and whom it kills."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from robustkit.benchmarks.bench import kills
from robustkit.benchmarks.running import records


def a_run(folder: Path, seconds: float = 1.0, robust: float = 0.5, weight: float = 1.0, rows: int = 2) -> Path:
    folder.mkdir()
    (folder / "summary.json").write_text(json.dumps({"created": seconds, "threats": [{"seconds": seconds, "robust": robust}]}))
    save_file({"w": torch.tensor([weight]), "fit_seconds": torch.tensor(seconds)}, folder / "model.safetensors")
    columns = {
        field.name: np.zeros(rows, dtype=field.type.to_pandas_dtype()) for field in records.SCHEMA if field.name != "status"
    }
    columns["status"] = np.asarray(["found"] * rows, dtype=object)
    records.write(folder / "records" / "cell" / "0.parquet", records.Records(columns, seconds))
    return folder


def test_times_do_not_matter(tmp_path: Path) -> None:
    assert kills.differences(a_run(tmp_path / "a", seconds=1), a_run(tmp_path / "b", seconds=2)) == []


@pytest.mark.parametrize(
    ("change", "file"), [({"robust": 0.4}, "summary.json"), ({"weight": 2.0}, "model.safetensors"), ({"rows": 1}, "0.parquet")]
)
def test_everything_else_does(change: dict[str, float], file: str, tmp_path: Path) -> None:
    (found,) = kills.differences(a_run(tmp_path / "a"), a_run(tmp_path / "b", **change))  # type: ignore[arg-type]
    assert f"{file}: differs" in found


def test_a_file_too_few_does(tmp_path: Path) -> None:
    one, other = a_run(tmp_path / "a"), a_run(tmp_path / "b")
    (other / "summary.json").unlink()
    assert kills.differences(one, other) == ["summary.json: only one run has it"]


PARENT = "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', {child!r}]); print(flush=True); sys.exit(child.wait())"
SLEEP = "import time; time.sleep(100)"


def a_family(child: str = SLEEP) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT.format(child=child)], stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


@pytest.mark.parametrize("victim", ["all", "others"])
def test_nobody_is_left(victim: str) -> None:
    process = a_family()
    others = kills.descendants(process.pid)
    assert len(others) == 1
    kills.kill(process, victim)
    assert process.returncode != 0
    assert not {pid for pid, _ in kills.children()} & set(others)


def test_a_child_that_outlives_its_parent_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kills, "PATIENCE", 0.2)
    process = a_family()
    others = kills.descendants(process.pid)
    with pytest.raises(kills.KillsError, match="still running"):
        kills.kill(process, "first")
    subprocess.run(["kill", "-9", *map(str, others)], check=True)


def test_a_command_is_killed_until_it_finishes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = iter([SLEEP, "import sys; sys.exit(5)"])
    monkeypatch.setattr(
        kills, "start", lambda *_: subprocess.Popen([sys.executable, "-c", next(programs)], start_new_session=True)
    )
    assert kills.finish("audit", tmp_path, 0.1, random.Random(1), 1) == (1, 5)
