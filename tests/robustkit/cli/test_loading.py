"""The options that say how a model is loaded, on every command that loads one."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.main import get_command
from typer.testing import CliRunner

from robustkit.cli import audit, bench, listing, train
from robustkit.cli.loading import LoadingOptions
from robustkit.models.load import load_model

NETS = """
from torch import nn

class Net(nn.Sequential):
    def __init__(self, outputs=3):
        super().__init__(nn.Flatten(), nn.Linear(16, outputs))
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "clinets.py").write_text(NETS)
    x = np.random.default_rng(0).integers(0, 255, (30, 4, 4), dtype=np.uint8)
    np.savez(tmp_path / "tiny.npz", x=x, y=np.arange(30) % 3)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("clinets", None)


def run(command: object, *arguments: str) -> str:
    import typer

    app = typer.Typer()
    app.command()(command)  # type: ignore[type-var]
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def test_every_option_is_a_keyword_of_load_model() -> None:
    keywords = inspect.signature(load_model).parameters.keys()
    assert LoadingOptions.model_fields.keys() == keywords - {"name", "device", "batch_size"}
    for command in (audit.audit, bench.bench, listing.models_show, train.harden):
        assert LoadingOptions.model_fields.keys() <= inspect.signature(command).parameters.keys()


def test_those_without_meaning_are_not_there() -> None:
    assert "classes" not in train.FinetuneOptions.model_fields
    assert not {"arch", "weights_key", "classes", "allow_remote_code"} & train.TrainOptions.model_fields.keys()


def test_show_and_audit_and_harden_take_them(place: Path) -> None:
    torch.save({"ema": {}, "state_dict": load_model("python:clinets:Net", device="cpu").net.state_dict()}, "w.ckpt")
    said = (
        "--arch",
        "clinets:Net(3)",
        "--mean",
        "0.5",
        "--std",
        "0.25",
        "--size",
        "4",
        "--channels",
        "1",
        "--classes",
        "cat,dog,owl",
    )
    shown = run(listing.models_show, "file:w.ckpt", *said)
    assert "grey, 4x4 pixels" in shown
    assert "cat; dog; owl" in shown
    common = ("--data", "npz:tiny.npz", "--threat", "linf:0.05", "--device", "cpu")
    run(audit.audit, "file:w.ckpt", *said, *common, "--attack", "fgsm", "-o", "audited")
    assert "cat" in (place / "audited" / "summary.json").read_text()
    training = (*common, "--epochs", "1", "-o", "hardened", "--recipe", "pgd:steps=1")
    assert "clean" in run(train.harden, "file:w.ckpt", *said, *training)
    again = load_model("hardened", arch="clinets:Net", device="cpu")
    assert (again.mean, again.std, again.spec.size) == ((0.5,), (0.25,), (4, 4))


def test_train_takes_what_is_said_of_fresh_networks(place: Path) -> None:
    said = ("--mean", "0.5", "--std", "0.25", "--channels", "1")
    run(train.train, "python:clinets:Net", "--data", "npz:tiny.npz", "--epochs", "1", "--device", "cpu", *said, "-o", "trained")
    assert load_model("trained", allow_remote_code=True, device="cpu").mean == (0.5,)


def test_the_help_has_them_in_a_place_of_their_own() -> None:
    import typer

    app = typer.Typer()
    app.command()(audit.audit)
    panels = {getattr(parameter, "rich_help_panel", None): parameter.name for parameter in get_command(app).params}
    assert "The model" in panels
