"""The folder of a sticker's run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from robustkit.benchmarks.sticker.folder import StickerFolder
from robustkit.benchmarks.sticker.workflow import Order
from robustkit.errors import EvidenceError, UsageError


def test_a_finished_run_has_all_its_files(run: StickerFolder, order: Order) -> None:
    names = {path.relative_to(run.path).as_posix() for path in run.path.rglob("*") if path.is_file()}
    assert {
        "run.json", "summary.json", "report.html", "sticker.safetensors", "printed.safetensors", "sticker.png",
        "records/rendered.parquet",
    } <= names  # fmt: skip
    assert run.check() == json.loads(json.dumps(order.asked()))
    assert torch.equal(run.sticker().alpha, order.alpha)
    pictured = {Path(frame.file).stem for frame in run.rendered() if frame.repeat == 1}
    assert pictured == {path.stem for path in (run.path / "rendered").iterdir()}


def test_the_same_order_finds_its_run_and_another_leaves_it_alone(run: StickerFolder, order: Order) -> None:
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*")}
    assert run.open(order.asked())
    with pytest.raises(UsageError, match=r"another run \(seed differs\)"):
        run.open({**order.asked(), "seed": 7})
    assert {path: path.stat().st_mtime_ns for path in run.path.rglob("*")} == before


def test_a_folder_of_something_else_is_not_touched(tmp_path: Path, order: Order) -> None:
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(UsageError, match="choose another -o"):
        StickerFolder(tmp_path).open(order.asked())
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_missing_run_is_named_with_a_similar_one(run: StickerFolder, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"did you mean .*stop"):
        StickerFolder(run.path.parent / "stpo").summary()
    with pytest.raises(UsageError, match="robustkit sticker optimise"):
        StickerFolder(tmp_path / "nothing").summary()
    with pytest.raises(UsageError, match="no finished run"):
        StickerFolder(tmp_path).sticker()


def test_a_changed_run_is_not_trusted(run: StickerFolder, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(run.path, tmp_path / "copied"))
    text = (copied / "run.json").read_text()
    (copied / "run.json").write_text(text.replace('"target": 1', '"target": 2'))
    with pytest.raises(EvidenceError, match="was changed"):
        StickerFolder(copied).check()
