"""The shipped images are those that the project draws."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from robustkit.data import make_signs
from robustkit.data.builtin_data import FOLDER
from robustkit.physical.drawing.catalogue import CLASSES


def test_the_shipped_file_is_small_and_names_the_signs():
    assert (FOLDER / "signs.npz").stat().st_size < 3_000_000
    shipped = np.load(FOLDER / "signs.npz")
    assert shipped["x"].shape == (make_signs.TEST_COUNT, 32, 32, 3)
    assert tuple(shipped["classes"]) == CLASSES
    assert np.bincount(shipped["y"]).min() >= make_signs.TEST_COUNT // len(CLASSES)


def test_it_is_made_again(tmp_path: Path):
    again, shipped = np.load(make_signs.make(tmp_path / "made.npz", 32, make_signs.TEST_SEED)), np.load(FOLDER / "signs.npz")
    assert (again["y"] == shipped["y"][:32]).all()
    # Other machines round otherwise, which the JPEG codec may enlarge.
    assert np.abs(again["x"].astype(int) - shipped["x"][:32]).mean() < 0.5


def test_training_images_are_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "new" / "signs.npz"
    monkeypatch.setattr(sys, "argv", ["make_signs", str(path), "--count", "20"])
    make_signs.main()
    assert capsys.readouterr().out == f"{path}\n"
    made, shipped = np.load(path), np.load(FOLDER / "signs.npz")
    assert made["x"].shape == (20, 32, 32, 3)
    assert np.abs(made["x"].astype(int) - shipped["x"][:20]).reshape(20, -1).mean(1).min() > 5
