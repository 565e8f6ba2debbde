"""The three flows: what they leave, what they refuse, and that a run's folder is a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from robustkit import Model
from robustkit.errors import UsageError
from robustkit.models.load import load_model
from robustkit.spec import InputSpec
from robustkit.training import fit

SHORT: dict[str, Any] = {"epochs": 1, "batch_size": 16, "device": "cpu"}


def images(classes: int = 4, n: int = 80, channels: int = 1, side: int = 28) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(n) % classes
    x = torch.rand(n, channels, side, side, generator=generator) * 0.4 + y[:, None, None, None] * 0.6 / classes
    return x, y


def small_model() -> Model:
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 7)
    )
    return Model(net, spec=InputSpec(channels=1, size=(28, 28)), device="cpu")


def test_a_run_folder_is_a_model(tmp_path: Path) -> None:
    folder = fit.train("builtin/fashion-standard", images(), out=tmp_path / "run", **SHORT)
    first, second = load_model(str(folder), device="cpu"), load_model(str(folder), device="cpu")
    x = images()[0]
    assert torch.equal(first.logits(x), second.logits(x))
    assert first.logits(x).shape == (80, 4)
    assert first.classes == ("0", "1", "2", "3")
    assert {"card.json", "card.md", "config.json", "metrics.csv", "model.safetensors"} <= {p.name for p in folder.iterdir()}
    assert list((folder / "tensorboard").iterdir())
    card = json.loads((folder / "card.json").read_text())
    assert card["run"]["options"]["seed"] == 0
    assert 0 <= card["metrics"]["clean"] <= 1


def test_hardening_a_run_goes_on_from_its_weights(tmp_path: Path) -> None:
    start = fit.train("builtin/fashion-standard", images(), out=tmp_path / "a", **SHORT)
    hard = fit.harden(
        str(start), images(), out=tmp_path / "b", recipe="pgd:steps=1", threat="linf:0.05", lr=1e-9, weight_decay=0.0, **SHORT
    )
    x = images()[0]
    torch.testing.assert_close(
        load_model(str(hard), device="cpu").logits(x), load_model(str(start), device="cpu").logits(x), atol=1e-4, rtol=0
    )
    assert "robust" in json.loads((hard / "card.json").read_text())["metrics"]


def test_torchvision_topology_from_fresh_weights(tmp_path: Path) -> None:
    folder = fit.train("torchvision/resnet18", images(3, 40, 3, 32), out=tmp_path / "run", **SHORT)
    model = load_model(str(folder), device="cpu")
    assert model.spec.size == (32, 32)
    assert model.logits(images(3, 4, 3, 32)[0]).shape == (4, 3)


def test_finetuning_gives_a_new_head_and_leaves_what_is_frozen(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    model = small_model()
    folder = fit.finetune(model, images(), out=tmp_path / "run", freeze=("backbone",), lr=0.1, **SHORT)
    before, after = model.net.state_dict(), load_file(folder / "model.safetensors")
    assert after["5.weight"].shape == (4, 16)
    assert before["5.weight"].shape == (7, 16)  # the caller's model is as it was
    for key in before:
        if not key.startswith("5."):
            assert torch.equal(before[key], after[key]), key
    with pytest.raises(UsageError, match="does not name an architecture"):
        load_model(str(folder), device="cpu")


def test_without_freezing_everything_learns(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    model = small_model()
    folder = fit.finetune(model, images(), out=tmp_path / "run", lr=0.01, **SHORT)
    after = load_file(folder / "model.safetensors")
    assert not torch.equal(model.net.state_dict()["0.weight"], after["0.weight"])
    assert not torch.equal(model.net.state_dict()["1.running_mean"], after["1.running_mean"])


def test_same_command_again_does_nothing_and_another_is_refused(tmp_path: Path) -> None:
    fit.train("builtin/fashion-standard", images(), out=tmp_path / "run", **SHORT)
    weights = (tmp_path / "run" / "model.safetensors").read_bytes()
    fit.train("builtin/fashion-standard", images(), out=tmp_path / "run", **SHORT)
    assert (tmp_path / "run" / "model.safetensors").read_bytes() == weights
    with pytest.raises(UsageError, match="contains a run with a different options"):
        fit.train("builtin/fashion-standard", images(), out=tmp_path / "run", lr=0.5, **SHORT)


def test_the_held_out_tenth_is_disjoint_and_stratified() -> None:
    training, validation = fit._split(images(4, 80), None, None, 0)
    assert len(validation) == 8
    assert np.bincount(validation.labels).tolist() == [2, 2, 2, 2]
    assert not set(training.ids) & set(validation.ids)
    assert len(training) == 72


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "epochs=0 must be at least 1"),
        ({"recipe": "fats"}, "did you mean 'fast'"),
        ({"recipe": "fast"}, "trains against a threat"),
        ({"recipe": "fast", "threat": "linf:25"}, "did you mean linf:25/255"),
        ({"threat": "l0:5"}, "does not support l0"),
        ({"learning": 3}, "no option 'learning'"),
    ],
)
def test_refuses_before_anything_is_written(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        fit.train("builtin/fashion-standard", images(), out=tmp_path / "run", **(SHORT | change))
    assert not (tmp_path / "run").exists()


def test_harden_refuses_standard_training_and_foreign_folders(tmp_path: Path) -> None:
    data = images(7)
    with pytest.raises(UsageError, match="is not adversarial"):
        fit.harden(small_model(), data, out=tmp_path / "run", recipe="standard", threat="linf:0.1", **SHORT)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="other files than a training run"):
        fit.harden(small_model(), data, out=tmp_path, threat="linf:0.1", **SHORT)
    with pytest.raises(UsageError, match="is a file: choose another -o"):
        fit.harden(small_model(), data, out=tmp_path / "notes.txt", threat="linf:0.1", **SHORT)


def test_more_devices_than_batches_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="72 training images in batches of 16 are too few for 6 devices"):
        fit.train("builtin/fashion-standard", images(), out=tmp_path / "run", devices=6, **SHORT)
    assert not (tmp_path / "run").exists()
