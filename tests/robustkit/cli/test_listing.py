"""models and data on the command line."""

import pytest
from typer.testing import CliRunner

from robustkit.cli import listing
from robustkit.cli.commands import app
from robustkit.errors import UsageError


def run(*words):
    done = CliRunner().invoke(app, list(words))
    if done.exception is not None:
        raise done.exception
    return done.stdout


def test_lists_name_every_source(capsys):
    listing.models_list()
    listing.data_list()
    out = capsys.readouterr().out
    for name in ("builtin/fashion-robust", "torchvision/resnet50", "timm/", "hf/", "file:", "python:", "folder:", "npz:"):
        assert name in out


def test_data_show_counts_the_classes():
    out = run("data", "show", "builtin/fashion")
    assert "1,000" in out
    assert "28x28" in out
    assert out.count("\n") >= 14
    with pytest.raises(UsageError):
        run("data", "show", "builtin/fashon")


def test_models_show_says_how_images_are_prepared(tmp_path, monkeypatch):
    (tmp_path / "shownets.py").write_text(
        "from torch import nn\nimport robustkit as rk\n"
        "def build():\n"
        "    net = nn.Sequential(nn.Flatten(), nn.Linear(48, 7))\n"
        "    return rk.Model(net, mean=[.5]*3, std=[.25]*3, spec=rk.InputSpec(size=(4, 4), resize=5), name='mine')\n"
    )
    monkeypatch.chdir(tmp_path)
    out = run("models", "show", "python:shownets:build")
    for part in ("mine", "RGB, 4x4 pixels", "resized to 5", "0.25, 0.25, 0.25", "7, unnamed", "343"):
        assert part in out
