"""What a universal attack makes for each fold is made once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from robustkit import Model
from robustkit.benchmarks.planning.cell import Cell
from robustkit.benchmarks.running.folds import fit_folds
from robustkit.benchmarks.running.progress import Silent
from robustkit.benchmarks.running.work import Work
from robustkit.build import attack
from robustkit.data import as_data
from robustkit.threats import Threat


class Hear(Silent):
    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, sentence: str) -> None:
        self.said.append(sentence)


@pytest.fixture
def work(linear_model: Model, linear_data: Any, tmp_path: Path) -> Work:
    return Work(tmp_path, linear_model, as_data(linear_data), 0, False, "clean", print)


CELL = Cell("uap", attack("uap"), Threat.parse("linf:0.105"), "attack", "all", "main", "context")


def test_folds_are_fitted_once_and_a_damaged_one_again(work: Work) -> None:
    first, progress = fit_folds(work, CELL, Hear()), Hear()
    assert isinstance(first, list)
    again = fit_folds(work, CELL, progress)
    assert progress.said == []
    assert isinstance(again, list)
    assert all(torch.equal(a[name], b[name]) for a, b in zip(first, again, strict=True) for name in a)
    (work.folder / "patches" / f"{CELL.name}-fold1.safetensors").write_bytes(b"damaged")
    fit_folds(work, CELL, progress)
    assert [sentence[:42] for sentence in progress.said] == ["fitting uap for linf:0.105, fold 2 of 2, o"]


def test_a_fit_that_crashes_is_its_error(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise RuntimeError("boom")

    monkeypatch.setattr(type(CELL.attack), "fit_to", fail)
    assert str(fit_folds(work, CELL, Hear())) == "boom"
