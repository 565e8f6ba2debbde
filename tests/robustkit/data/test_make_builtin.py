"""The shipped images are the original ones."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from robustkit.data import builtin_data, make_builtin
from robustkit.data.torchvision_data import DEBIAN_FASHION


def originals(folder: Path) -> Path:
    """Debian's files where they are installed; else the shipped images in files of the same form, others after them."""
    if DEBIAN_FASHION.is_dir():
        return DEBIAN_FASHION
    shipped = np.load(builtin_data.FOLDER / "fashion.npz")
    for name, header, array in (("t10k-images-idx3", 16, shipped["x"]), ("t10k-labels-idx1", 8, shipped["y"])):
        with gzip.open(folder / f"{name}-ubyte.gz", "wb") as file:
            file.write(bytes(header) + array.tobytes() + bytes(10 * 28 * 28))
    return folder


def test_the_shipped_file_is_small_and_licensed():
    assert (builtin_data.FOLDER / "fashion.npz").stat().st_size < 600_000
    assert "Copyright (c) 2017 Zalando SE" in (builtin_data.FOLDER / "LICENSE.fashion").read_text()


def test_it_is_made_again_from_the_original_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    raw = originals(tmp_path)
    monkeypatch.setattr(make_builtin, "FOLDER", tmp_path / "made")
    again, shipped = np.load(make_builtin.make(raw)), np.load(builtin_data.FOLDER / "fashion.npz")
    for name in ("x", "y", "classes"):
        assert (again[name] == shipped[name]).all()
