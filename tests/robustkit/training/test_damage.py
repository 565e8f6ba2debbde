"""Damaged or forged files of a training run: one sentence each, and never a run that "finishes" without training."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from robustkit.errors import UsageError
from robustkit.models.load import load_model
from robustkit.training import fit

SHORT: dict[str, Any] = {"epochs": 1, "batch_size": 16, "device": "cpu"}


def images() -> tuple[torch.Tensor, torch.Tensor]:
    """Forty images of four classes."""
    return torch.rand(40, 1, 28, 28, generator=torch.Generator().manual_seed(0)), torch.arange(40) % 4


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of one epoch."""
    return fit.train("builtin/fashion-standard", images(), out=tmp_path_factory.mktemp("runs") / "run", **SHORT)


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


def again(run: Path) -> None:
    fit.train("builtin/fashion-standard", images(), out=run, **SHORT)


def resume(run: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Continue a run that was stopped before its end, with another checkpoint."""
    path = run / "checkpoints" / "last.pt"
    (run / "card.json").unlink()
    state = torch.load(path, weights_only=True)
    torch.save(change(state) or state, path)
    again(run)


@pytest.mark.parametrize("text", ["", '{"model": 3}', "[" * 100_000, "\\xff"])
def test_a_malformed_card(run: Path, text: str) -> None:
    (run / "card.json").write_text(text, encoding="latin-1")
    with pytest.raises(UsageError, match="is damaged"):
        load_model(str(run))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("model", "num_classes"), "4"),
        (("run", "val", "n"), None),
    ],
)
def test_a_card_with_an_odd_value(run: Path, path: tuple[str, ...], value: Any) -> None:
    card = json.loads((run / "card.json").read_text())
    part = card
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    (run / "card.json").write_text(json.dumps(card))
    with pytest.raises(UsageError, match="is damaged") as said:
        load_model(str(run))
    assert ".".join(path) in str(said.value)


@pytest.mark.parametrize("text", ["", "[]", "3", "{", "[" * 100_000, "\xff"])
def test_a_malformed_config(run: Path, text: str) -> None:
    (run / "config.json").write_text(text, encoding="latin-1")
    with pytest.raises(UsageError, match="is damaged"):
        again(run)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"not a checkpoint"])
def test_a_truncated_checkpoint(run: Path, content: bytes) -> None:
    (run / "card.json").unlink()
    (run / "checkpoints" / "last.pt").write_bytes(content)
    with pytest.raises(UsageError, match="cannot be read") as said:
        again(run)
    assert "\n" not in str(said.value)


@pytest.mark.parametrize(
    "change",
    [
        lambda state: [3],
        lambda state: state.pop("progress") and None,
        lambda state: state.pop("net") and None,
        lambda state: state.update(net=3),
        lambda state: state["progress"].update(epoch=99),
        lambda state: state["progress"].update(epoch=0, history=[]),
        lambda state: state["progress"].update(more=1),
        lambda state: state["optimizer"].update(state=3),
    ],
)
def test_a_checkpoint_that_says_what_cannot_be(run: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        resume(run, change)
    assert not (run / "card.json").exists()


@pytest.mark.parametrize("content", [None, b"", b"not weights"])
def test_best_weights_that_are_gone(run: Path, content: bytes | None) -> None:
    path = run / "checkpoints" / "best.safetensors"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match="cannot be read"):
        resume(run, lambda state: None)


def test_an_untouched_checkpoint_finishes_the_run(run: Path) -> None:
    weights = (run / "model.safetensors").read_bytes()
    resume(run, lambda state: None)
    assert (run / "model.safetensors").read_bytes() == weights


@pytest.mark.parametrize("name", ["config.json", "card.json", "checkpoints", "checkpoints/last.pt", "tensorboard"])
def test_links_are_refused(run: Path, name: str, tmp_path: Path) -> None:
    (run / name).rename(tmp_path / "elsewhere")
    (run / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="is a link"):
        again(run)
