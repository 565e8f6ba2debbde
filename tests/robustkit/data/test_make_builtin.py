"""The shipped images are the original ones."""

import numpy as np
import pytest

from robustkit.data import builtin_data, make_builtin
from robustkit.data.torchvision_data import DEBIAN_FASHION


def test_the_shipped_file_is_small_and_licensed():
    assert (builtin_data.FOLDER / "fashion.npz").stat().st_size < 600_000
    assert "Copyright (c) 2017 Zalando SE" in (builtin_data.FOLDER / "LICENSE.fashion").read_text()


@pytest.mark.skipif(not DEBIAN_FASHION.is_dir(), reason="needs Debian's dataset-fashion-mnist")
def test_it_is_made_again_from_the_original_files(tmp_path, monkeypatch):
    monkeypatch.setattr(make_builtin, "FOLDER", tmp_path)
    again, shipped = np.load(make_builtin.make(DEBIAN_FASHION)), np.load(builtin_data.FOLDER / "fashion.npz")
    for name in ("x", "y", "classes"):
        assert (again[name] == shipped[name]).all()
