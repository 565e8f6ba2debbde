"""Photographs from the field."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import nn

from robustkit.benchmarks.sticker.field import described, score_field
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


def test_the_plan_and_the_names_agree() -> None:
    for shot in plan(lights=("daylight", "low-sun"), controls=("grey", "two-words"), repeats=2):
        subject, condition = described(shot.file)
        assert subject == shot.subject
        assert tuple(condition) == (shot.distance_cm, shot.angle_deg, shot.light, shot.repeat)


def test_a_photo_that_is_not_in_the_plan_is_named() -> None:
    with pytest.raises(UsageError, match=r"IMG_1\.jpg"):
        described("IMG_1.jpg")


def test_another_model_is_refused_and_nothing_is_lost(run: StickerFolder, order: Order, tmp_path: Path) -> None:
    other = TorchModel(
        nn.Sequential(order.model.net, nn.Softmax(1)), name="other", spec=replace(order.model.spec), device="cpu"
    )
    before = (run.path / "summary.json").read_bytes()
    with pytest.raises(UsageError, match="is not the model of"):
        score_field(run.path, other, f"folder:{tmp_path}", CROPPED)
    assert (run.path / "summary.json").read_bytes() == before
