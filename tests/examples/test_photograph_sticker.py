"""The whole way: a sticker is fitted, printed and photographed by another renderer, and its photographs are scored."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import robustkit as rk
from examples.photograph_sticker import homography, photograph
from robustkit.benchmarks.sticker.field import score_field
from robustkit.benchmarks.sticker.photos import PhotoReading
from robustkit.benchmarks.sticker.shots import RP2_CELLS
from robustkit.benchmarks.sticker.stages import DrawnStage
from robustkit.benchmarks.sticker.workflow import Order, optimise
from robustkit.physical.drawing.catalogue import artwork
from robustkit.physical.printer.palette import Palette
from robustkit.physical.printer.print_model import PrintModel
from tests.benchmarks.sticker.conftest import Reddest


def test_the_round_trip(tmp_path: Path) -> None:
    model = rk.Model(
        Reddest(), name="reddest", classes=("stop", "green", "blue"), spec=rk.InputSpec(size=(16, 16)), device="cpu"
    )
    sign = artwork("stop").sign
    order = Order(
        model=model, stage=DrawnStage(sign, 0, 16, count=8), source="drawn", alpha=sign.coverage((8, 8)), true=0, target=1,
        attack=rk.attack("rp2", steps=12, views=4, learning_rate=0.2), printer=PrintModel.typical(), palette=Palette.default(),
        repeats=1, ablation=False,
    )  # fmt: skip
    optimise(order, tmp_path / "run")
    written = photograph(tmp_path / "run", tmp_path / "field")
    assert len(written) == 3 * len(RP2_CELLS)
    assert {path.suffix for path in written} == {".jpg"}
    summary, _ = score_field(tmp_path / "run", model, f"folder:{tmp_path / 'field'}", PhotoReading(skip_broken=True))
    assert summary.photographed is not None
    assert summary.photographed.counted >= 3  # where the sign is found: this sticker covers all of it
    assert summary.photographed.clean.n >= len(RP2_CELLS) - 2
    assert summary.gap is not None
    assert summary.headline.sticker.value > 0.5


def test_four_points_determine_the_view() -> None:
    matrix = homography(np.array([[0, 0], [1, 0], [1, 1], [0, 1.0]]), np.array([[0, 0], [2, 0], [2, 2], [0, 2.0]]))
    np.testing.assert_allclose(matrix, np.diag([2, 2, 1.0]), atol=1e-9)
