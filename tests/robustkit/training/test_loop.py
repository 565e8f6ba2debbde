"""Interrupted and resumed is bit for bit the same as not interrupted; a NaN stops the run and loses nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from robustkit import Model
from robustkit.contracts.preprocessor import DefenseInfo
from robustkit.contracts.recipe import Recipe, TrainingBatch
from robustkit.data.load import as_data
from robustkit.errors import ExitCode
from robustkit.spec import InputSpec
from robustkit.training import fit, loop
from robustkit.training.loop import DivergedError


def make_model() -> Model:
    """Everything that could make a resumed run differ: batch norm, dropout, in a network of its own."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(1)
        net = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Dropout(0.2), nn.Linear(144, 3)
        )
    return Model(net, spec=InputSpec(channels=1, size=(6, 6)), device="cpu", classes=["a", "b", "c"])


def make_data(n: int = 90) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(5)
    y = torch.arange(n) % 3
    x = (0.3 * torch.rand(n, 1, 6, 6, generator=generator) + y[:, None, None, None] * 0.3).clamp(0, 1)
    return x, y


OPTIONS: dict[str, Any] = {
    "recipe": "pgd:steps=2,warmup=0.5",
    "threat": "linf:0.1",
    "epochs": 3,
    "batch_size": 16,
    "augment": ("flip", "crop"),
    "ema": 0.9,
    "device": "cpu",
}


def weights(folder: Path) -> dict[str, Tensor]:
    return load_file(folder / "model.safetensors")


def assert_same(a: Path, b: Path) -> None:
    first, second = weights(a), weights(b)
    assert first.keys() == second.keys()
    for key in first:
        assert torch.equal(first[key], second[key]), key
    assert (a / "metrics.csv").read_text() == (b / "metrics.csv").read_text()


class Interrupt(Exception):
    """Stands for a kill."""


@pytest.mark.parametrize(("optimizer", "stop"), [("adamw", 1), ("sgd", 7), ("adamw", 10), ("sgd", 13)])
def test_resumes_bit_for_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, optimizer: str, stop: int) -> None:
    monkeypatch.setattr(loop, "CHECK_EVERY", 2)
    monkeypatch.setattr(loop, "CHECKPOINT_EVERY", -1.0)
    options = OPTIONS | {"optimizer": optimizer, "lr": 0.01}
    fit.harden(make_model(), make_data(), out=tmp_path / "whole", **options)

    step, count = loop._Loop._step, 0

    def failing(self: Any, *batch: Tensor) -> Tensor:
        nonlocal count
        count += 1
        if count == stop:
            raise Interrupt
        return step(self, *batch)

    monkeypatch.setattr(loop._Loop, "_step", failing)
    with pytest.raises(Interrupt):
        fit.harden(make_model(), make_data(), out=tmp_path / "cut", **options)
    assert not (tmp_path / "cut" / "card.json").exists()
    monkeypatch.setattr(loop._Loop, "_step", step)
    torch.rand(3)  # where the global generator stands plays no part
    fit.harden(make_model(), make_data(), out=tmp_path / "cut", **options)
    assert_same(tmp_path / "whole", tmp_path / "cut")


def test_a_resumed_run_repeats_no_finished_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    validated: list[int] = []
    validate = loop.validate

    def counting(*arguments: Any) -> dict[str, float]:
        if len(validated) == 2 and not resumed:
            raise Interrupt
        validated.append(1)
        return validate(*arguments)

    resumed = False
    monkeypatch.setattr(loop, "validate", counting)
    with pytest.raises(Interrupt):
        fit.harden(make_model(), make_data(), out=tmp_path, **OPTIONS)
    resumed = True
    fit.harden(make_model(), make_data(), out=tmp_path, **OPTIONS)
    assert len(validated) == 3


def test_leaves_the_callers_model_and_random_state_alone(tmp_path: Path) -> None:
    model = make_model()
    before = {key: value.clone() for key, value in model.net.state_dict().items()}
    state, training = torch.get_rng_state(), model.net.training
    fit.harden(model, make_data(), out=tmp_path, **OPTIONS)
    assert torch.equal(torch.get_rng_state(), state)
    assert model.net.training == training
    assert all(parameter.requires_grad for parameter in model.net.parameters())
    for key, value in model.net.state_dict().items():
        assert torch.equal(value, before[key])


@dataclass(frozen=True, kw_only=True)
class Breaks(Recipe):
    """A loss that is NaN in one batch."""

    at: int = 8

    info = DefenseInfo(name="breaks", kind="training", paper="none")
    needs_threat = False
    calls = [0]  # noqa: RUF012 - shared on purpose

    def loss(self, batch: TrainingBatch) -> Tensor:
        self.calls[0] += 1
        loss = functional.cross_entropy(batch.forward(batch.x), batch.y)
        return loss * torch.nan if self.calls[0] == self.at else loss


def test_a_nan_loss_names_its_batch_and_keeps_the_last_good_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Breaks.calls[0] = 0
    monkeypatch.setattr(fit, "recipe", lambda spec: Breaks())
    options = {"epochs": 3, "batch_size": 16, "device": "cpu"}
    with pytest.raises(DivergedError, match=r"nan in epoch 2, batch 3 of 5.*previous checkpoint is kept") as caught:
        fit.finetune(make_model(), make_data(), out=tmp_path, **options)
    assert caught.value.exit_code == ExitCode.INCOMPLETE
    kept = torch.load(tmp_path / "checkpoints" / "last.pt", weights_only=True)
    assert kept["progress"]["epoch"] == 1
    assert all(value.isfinite().all() for value in kept["net"].values())
    assert not (tmp_path / "card.json").exists()


@dataclass(frozen=True, kw_only=True)
class Notes(Recipe):
    """Standard training that notes the progress of every batch."""

    info = DefenseInfo(name="notes", kind="training", paper="none")
    needs_threat = False
    progress = []  # noqa: RUF012 - shared on purpose

    def loss(self, batch: TrainingBatch) -> Tensor:
        self.progress.append(batch.progress)
        return functional.cross_entropy(batch.forward(batch.x), batch.y)


def test_recipes_are_told_the_share_of_the_training_that_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Notes.progress.clear()
    monkeypatch.setattr(fit, "recipe", lambda spec: Notes())
    options = {"epochs": 2, "batch_size": 16, "device": "cpu"}
    fit.finetune(make_model(), make_data(64), val=as_data(make_data(30)), out=tmp_path, **options)
    assert Notes.progress == [step / 8 for step in range(8)]


def test_order_differs_between_epochs_and_covers_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Tensor] = []
    step = loop._Loop._step

    def watching(self: Any, x: Tensor, y: Tensor, ids: Tensor) -> Tensor:
        seen.append(ids)
        return step(self, x, y, ids)

    monkeypatch.setattr(loop._Loop, "_step", watching)
    options = {"recipe": "pgd:steps=1", "threat": "linf:0.1", "epochs": 2, "batch_size": 16, "device": "cpu"}
    fit.harden(make_model(), make_data(80), val=as_data(make_data(30)), out=tmp_path, **options)
    first, second = torch.cat(seen[:5]), torch.cat(seen[5:])
    assert not torch.equal(first, second)
    assert first.sort().values.tolist() == second.sort().values.tolist() == list(range(80))
