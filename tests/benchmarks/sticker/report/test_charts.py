"""The charts of a sticker's report."""

from __future__ import annotations

from robustkit.benchmarks.sticker.folder import StickerFolder
from robustkit.benchmarks.sticker.report import charts
from robustkit.benchmarks.sticker.scoring import CellScore
from robustkit.benchmarks.sticker.summary import Checkpoint, Variant, main


def test_the_sticker_stands_beside_every_control(run: StickerFolder) -> None:
    success = run.summary().headline
    drawn = charts.subjects(success, "a")
    assert all(name in drawn for name in ("sticker", *success.controls))
    assert drawn.count("best control") >= 1


def test_the_heat_map_has_every_cell_and_bears_unknown_places(run: StickerFolder) -> None:
    cells = run.summary().predicted.cells
    drawn = charts.heat_map(cells, lambda part: part.untargeted, "b")
    assert drawn.count(">of 1<") == len(cells)
    assert "45°" in drawn
    unknown = [CellScore(**{**dict(cells[0]), "distance_cm": None, "angle_deg": None})]
    assert "—" in charts.heat_map(unknown, main, "c")


def test_sizes_areas_convergence_and_ablation_name_their_series(run: StickerFolder) -> None:
    summary = run.summary()
    best = summary.headline.beyond
    assert best is not None
    assert f"control: {best.control}" in charts.sizes(summary.predicted.sizes, best.control, "d")
    assert "share of the sign" in charts.areas(summary.areas, best.control, "e")
    points = [Checkpoint(step=1, loss=2, success=0.5), Checkpoint(step=2, loss=1, success=0.5)]
    assert "step 2: 50.0" in charts.convergence(points, "f")
    variant = Variant(name="no print model", untargeted=summary.predicted.untargeted, targeted=None)
    assert "no print model" in charts.ablation(summary.headline, [variant], "g")


def test_the_same_run_gives_the_same_bytes(run: StickerFolder) -> None:
    success = run.summary().headline
    assert charts.subjects(success, "a") == charts.subjects(success, "a")
