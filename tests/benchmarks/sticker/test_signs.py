"""The sign that a user names."""

from __future__ import annotations

from pathlib import Path

import pytest

from robustkit.benchmarks.sticker.photos import PhotoReading
from robustkit.benchmarks.sticker.signs import side_px, sign_named, stage_of
from robustkit.benchmarks.sticker.stages import DrawnStage, PhotoStage
from robustkit.contracts.model import Model
from robustkit.errors import UsageError
from robustkit.physical.drawing.catalogue import artwork
from robustkit.physical.sign import Sign
from robustkit.spec import InputSpec
from robustkit.torch_model import TorchModel
from tests.benchmarks.sticker.test_photos import save


def test_a_sign_is_drawn_or_in_a_file(tmp_path: Path) -> None:
    assert sign_named("stop") == artwork("stop").sign
    (tmp_path / "mine.toml").write_text('shape = "circle"\nwidth_cm = 60\n')
    assert sign_named(str(tmp_path / "mine.toml")).width_cm == pytest.approx(60)
    with pytest.raises(UsageError, match="neither a TOML file nor drawn"):
        sign_named("stp")


def test_a_sign_without_photographs_must_be_drawn(model: Model) -> None:
    stage, source, _ = stage_of(artwork("stop").sign, None, model, 0, PhotoReading())
    assert isinstance(stage, DrawnStage)
    assert source == "drawn by robustkit"
    with pytest.raises(UsageError, match="--photos"):
        stage_of(Sign.circle("mine", 60), None, model, 0, PhotoReading())


def test_photographs_make_a_stage_of_the_models_size(model: Model, tmp_path: Path) -> None:
    reading = PhotoReading(cropped=True)
    for name in "abc":
        save(tmp_path / f"{name}.png")
    stage, source, _ = stage_of(artwork("stop").sign, f"folder:{tmp_path}", model, 0, reading)
    assert isinstance(stage, PhotoStage)
    assert stage.size_px == 16
    assert "3 photos" in source
    (tmp_path / "c.png").unlink()
    with pytest.raises(UsageError, match="too few"):
        stage_of(artwork("stop").sign, f"folder:{tmp_path}", model, 0, reading)


def test_a_model_must_take_square_colour_pictures(model: Model) -> None:
    assert side_px(model) == 16
    for spec in (InputSpec(channels=1, size=(8, 8)), InputSpec(size=(8, 9))):
        with pytest.raises(UsageError):
            side_px(TorchModel(model.net, spec=spec, device="cpu"))
