"""The command line of train, finetune and harden, on a small archive."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from robustkit.cli import train as commands
from robustkit.errors import UsageError
from robustkit.models.load import load_model
from robustkit.training.options import Optimizer, Precision, Schedule, TrainingOptions


@pytest.fixture
def archive(tmp_path: Path) -> str:
    y = np.arange(60) % 3
    x = np.random.default_rng(0).integers(0, 80, (60, 28, 28), dtype=np.uint8) + (y * 80).astype(np.uint8)[:, None, None]
    np.savez(tmp_path / "tiny.npz", x=x.astype(np.uint8), y=y)
    return f"npz:{tmp_path / 'tiny.npz'}"


def run(*arguments: str) -> str:
    app = typer.Typer()
    for command in (commands.train, commands.finetune, commands.harden):
        app.command()(command)
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_train_harden_and_finetune_in_a_row(tmp_path: Path, archive: str) -> None:
    common = ("--data", archive, "--epochs", "1", "--batch-size", "16", "--device", "cpu")
    first, second, third = (str(tmp_path / name) for name in "abc")
    assert "clean" in run("train", "builtin/fashion-standard", *common, "-o", first)
    said = run("harden", first, *common, "--recipe", "pgd:steps=1", "--threat", "linf:0.05", "-o", second)
    assert "robust at linf:0.05" in said
    assert "clean" in run("finetune", second, *common, "--freeze", "backbone", "-o", third)
    assert (tmp_path / "c" / "card.md").read_text().startswith("# c")


def test_the_size_of_the_images_is_said_as_everywhere(tmp_path: Path, archive: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sizednets.py").write_text(
        "from torch import nn\n\ndef net():\n"
        "    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 3))\n"
    )
    common = ("train", "python:sizednets:net", "--data", archive, "--epochs", "1", "--batch-size", "16", "--device", "cpu")
    run(*common, "--size", "12x10", "-o", "sized")
    model = load_model("sized", device="cpu", allow_remote_code=True)
    assert (model.spec.size, model.spec.channels, model.mean) == ((12, 10), 1, None)
    run(*common, "-o", "as-they-are")
    assert load_model("as-they-are", device="cpu", allow_remote_code=True).spec.size == (28, 28)
    with pytest.raises(UsageError, match="--size 0 must be a side in pixels"):
        run(*common, "--size", "0", "-o", "none")


def test_the_options_of_learning_are_those_of_training() -> None:
    theirs = {field.name: field for field in fields(TrainingOptions) if field.name != "robust_limit"}
    ours = commands.LearningOptions.model_fields
    assert ours.keys() == theirs.keys()
    assert commands.LearningOptions().settings() == {name: field.default for name, field in theirs.items()}
    for name, kind in {"optimizer": Optimizer, "schedule": Schedule, "precision": Precision}.items():
        assert ours[name].annotation == kind


def test_errors_are_one_sentence(tmp_path: Path, archive: str) -> None:
    with pytest.raises(UsageError, match="torchvision has no classifier 'resnet19'"):
        run("train", "torchvision/resnet19", "--data", archive, "-o", str(tmp_path / "x"))
