"""The workflow, from an order to a run folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from robustkit.benchmarks.sticker.folder import StickerFolder
from robustkit.benchmarks.sticker.predict import predict
from robustkit.benchmarks.sticker.scoring import STICKER, score
from robustkit.benchmarks.sticker.shots import RP2_CELLS
from robustkit.benchmarks.sticker.workflow import AREAS, Order, optimise


def test_a_green_sticker_beats_every_control(run: StickerFolder, order: Order) -> None:
    summary = run.summary()
    assert summary.headline.beyond is not None
    assert summary.headline.sticker.value > 0.8
    assert summary.headline.beyond.proven
    assert (summary.true, summary.target) == ("stop", "green")
    assert [part.area for part in summary.areas] == pytest.approx(list(AREAS), abs=0.05)
    assert len(summary.predicted.cells) == len(RP2_CELLS)
    assert summary.predicted == score(run.rendered())


def test_it_is_the_saved_sticker_that_was_judged(run: StickerFolder, order: Order) -> None:
    frames, _ = predict(order.model, order.stage, {STICKER: run.sticker()}, target=1, repeats=1, seed=0)
    saved = {frame.file[5:]: frame.prediction for frame in run.rendered() if frame.subject == STICKER}
    assert {frame.file[5:]: frame.prediction for frame in frames if frame.subject == STICKER} == saved


def test_a_finished_run_is_not_computed_again(run: StickerFolder, order: Order) -> None:
    lines: list[str] = []
    before = (run.path / "summary.json").stat().st_mtime_ns
    assert optimise(order, run.path, note=lines.append) == run.summary()
    assert (run.path / "summary.json").stat().st_mtime_ns == before
    assert "nothing is computed again" in lines[0]


def test_the_ablation_fits_as_often_as_it_has_parts(order: Order, tmp_path: Path) -> None:
    short = replace(order, attack=replace(order.attack, steps=1), ablation=True)
    summary = optimise(short, tmp_path / "run")
    assert [variant.name for variant in summary.ablation] == ["no camera views", "no print model"]


def test_what_a_far_camera_does_not_resolve_is_warned_of(order: Order, tmp_path: Path) -> None:
    fine = torch.zeros(1, 256, 256)
    fine[0, 100:102, 100:140] = 1
    summary = optimise(replace(order, alpha=fine, attack=replace(order.attack, steps=1)), tmp_path / "run")
    assert any("narrowest part" in warning and "mm" in warning for warning in summary.warnings)
