"""Photographs from the field."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import nn

from robustkit.benchmarks.sticker.field import score_field
from robustkit.benchmarks.sticker.folder import StickerFolder
from robustkit.benchmarks.sticker.photos import PhotoReading
from robustkit.benchmarks.sticker.shots import RP2_CELLS, plan
from robustkit.benchmarks.sticker.workflow import Order
from robustkit.errors import UsageError
from robustkit.physical.drawing.catalogue import artwork
from robustkit.physical.sticker import Sticker
from robustkit.torch_model import TorchModel

CROPPED = PhotoReading(cropped=True)


def photograph(folder: Path, sticker: Sticker) -> list[str]:
    """Frontal photographs by the shot plan, cropped to the sign."""
    art = artwork("stop", 64)
    grey = Sticker.plain(sticker.sign, sticker.alpha)
    homography = torch.tensor([[[64 / sticker.sign.width_cm, 0, 32], [0, 64 / sticker.sign.height_cm, 32], [0, 0, 1]]]).double()
    bare = art.on(torch.full((1, 3, 64, 64), 0.4), homography)
    shown = {"clean": bare, "sticker": sticker.on(bare, homography), "control:grey": grey.on(bare, homography)}
    for shot in plan():
        pixels = (255 * shown[shot.subject][0].permute(1, 2, 0)).round().byte().numpy()
        Image.fromarray(pixels).save(folder / shot.file, quality=95)
    return [shot.file for shot in plan()]


def test_photographs_are_scored_beside_the_prediction(run: StickerFolder, order: Order, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(run.path, tmp_path / "run"))
    (tmp_path / "field").mkdir()
    photograph(tmp_path / "field", run.sticker())
    summary, notes = score_field(copied, order.model, f"folder:{tmp_path / 'field'}", CROPPED)
    assert notes == []
    assert summary.photographed is not None
    assert summary.gap is not None
    assert summary.photographed.counted == len(RP2_CELLS)
    assert summary.headline.sticker.value == 1
    assert summary.exit_code == 0
    assert summary.gap.untargeted.overall.photographed.n == len(RP2_CELLS)
    assert summary.gap.untargeted.overall.predicted.n > 0
    assert StickerFolder(copied).summary() == summary
    assert "Photographed" in (copied / "report.html").read_text()
    assert (copied / "records" / "photographed.parquet").is_file()


def test_a_photo_without_a_clean_partner_is_named_and_skipped_on_request(
    run: StickerFolder, order: Order, tmp_path: Path
) -> None:
    copied = Path(shutil.copytree(run.path, tmp_path / "run"))
    (tmp_path / "field").mkdir()
    clean, *_ = photograph(tmp_path / "field", run.sticker())
    (tmp_path / "field" / clean).unlink()
    with pytest.raises(UsageError, match=r"2 of \d+ photos .*0002-sticker.*no clean photo under the same condition is usable"):
        score_field(copied, order.model, f"folder:{tmp_path / 'field'}", CROPPED)
    summary, notes = score_field(copied, order.model, f"folder:{tmp_path / 'field'}", replace(CROPPED, skip_broken=True))
    assert summary.photographed is not None
    assert (summary.photographed.frames, summary.photographed.unpaired) == (len(RP2_CELLS) - 1, 0)
    assert "2 of" in notes[0]


def test_frames_of_drives_are_scored_by_run(run: StickerFolder, order: Order, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(run.path, tmp_path / "run"))
    (tmp_path / "field").mkdir()
    (tmp_path / "drives").mkdir()
    photograph(tmp_path / "field", run.sticker())
    for shot in plan()[:3]:
        for number in range(3):
            name = f"{shot.subject.replace(':', '-')}-run1-day-{number}.jpg"
            shutil.copy(tmp_path / "field" / shot.file, tmp_path / "drives" / name)
    summary, _ = score_field(copied, order.model, f"folder:{tmp_path / 'drives'}", CROPPED)
    assert summary.photographed is None
    assert summary.gap is None
    assert summary.filmed is not None
    assert (summary.filmed.runs, summary.filmed.counted) == (1, 1)
    assert [each.frames for each in summary.filmed.untargeted.runs] == [3, 3]
    assert "By run" in (copied / "report.html").read_text()


def test_a_photo_that_is_not_in_the_plan_is_named(run: StickerFolder, order: Order, tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "IMG_1.jpg")
    with pytest.raises(UsageError, match=r"IMG_1\.jpg: its name does not say what it shows"):
        score_field(run.path, order.model, f"folder:{tmp_path}", CROPPED)


def test_another_model_is_refused_and_nothing_is_lost(run: StickerFolder, order: Order, tmp_path: Path) -> None:
    other = TorchModel(
        nn.Sequential(order.model.net, nn.Softmax(1)), name="other", spec=replace(order.model.spec), device="cpu"
    )
    before = (run.path / "summary.json").read_bytes()
    with pytest.raises(UsageError, match="is not the model of"):
        score_field(run.path, other, f"folder:{tmp_path}", CROPPED)
    assert (run.path / "summary.json").read_bytes() == before
