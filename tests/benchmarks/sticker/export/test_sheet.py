"""Sheets of pieces."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from robustkit.benchmarks.sticker.export.packing import pack, room
from robustkit.benchmarks.sticker.export.page import drawing, files
from robustkit.benchmarks.sticker.export.paper import Box, Paper
from robustkit.benchmarks.sticker.export.parts import parts
from robustkit.benchmarks.sticker.export.pieces import Piece
from robustkit.benchmarks.sticker.export.sheet import sheet
from tests.benchmarks.sticker.export.printed import from_pdf

PAPER = Paper.named("A4", 15)


def piece(name: str, rows: int, columns: int, pitch_mm: float) -> Piece:
    """A black piece."""
    return Piece(name, np.zeros((rows, columns, 3), np.uint8), np.ones((rows, columns), bool), 0, 0, (pitch_mm, pitch_mm))


def test_each_part_is_printed_where_it_is_packed() -> None:
    cut = [part for each in (piece("S1", 3, 9, 7.7), piece("S2", 2, 2, 5.1)) for part in parts(each, *room(PAPER.area), 10)]
    (placed,) = pack(cut, PAPER.area)
    with drawing():
        (found,) = from_pdf(files("name", "", [sheet(PAPER, "a title", placed)], 72)["name.pdf"])
    expected = [(each.left, each.top, each.part.width_mm, each.part.height_mm) for each in placed]
    assert sorted(found.images) == [pytest.approx(each, abs=1e-3) for each in sorted(expected)]


def test_a_cut_line_runs_along_the_edge_of_each_piece() -> None:
    ring = piece("S1", 3, 3, 7.5)
    ring.mask[1, 1] = False
    ((placed,),) = pack(parts(ring, *room(PAPER.area), 10), PAPER.area)
    with drawing():
        axes = sheet(PAPER, "", [placed])
    paths = [path.vertices for collection in axes.collections for path in collection.get_paths()]
    for inset, size in ((0, 22.5), (7.5, 7.5)):
        low = np.array([placed.left, placed.top]) + inset
        (found,) = [each for each in paths if np.allclose(each.min(0), low) and np.allclose(each.max(0), low + size)]
        assert len(found) == 5
        assert np.array_equal(found[0], found[-1])


@pytest.mark.parametrize("rows", [3, 60])
def test_texts_lie_on_paper_beside_the_sticker(rows: int) -> None:
    cut = [part for name in ("S1000", "S1001", "S1002") for part in parts(piece(name, rows, 3, 7.7), *room(PAPER.area), 10)]
    layout = pack(cut, PAPER.area)
    for number, placed in enumerate(layout, 1):
        with drawing():
            axes = sheet(PAPER, f"{'W' * 30}: control random-palette, sheet {number} of {len(layout)}", placed)
            axes.figure.canvas.draw()
            boxes = [_box(axes.figure, text.get_window_extent()) for text in axes.texts]  # type: ignore[arg-type]
        assert any("Test piece, not for public roads." in text.get_text() for text in axes.texts)
        assert {each.part.name for each in placed} <= {text.get_text() for text in axes.texts}
        for box in boxes:
            assert PAPER.margin_mm - 1 <= box.left
            assert box.right <= PAPER.width_mm - PAPER.margin_mm + 1
            assert PAPER.margin_mm - 1 <= box.top
            assert box.bottom <= PAPER.height_mm - PAPER.margin_mm + 1
            assert not any(
                box.left < each.right and each.left < box.right and box.top < each.bottom and each.top < box.bottom
                for each in placed
            )


def _box(figure: Figure, extent: object) -> Box:
    """The box of a text in millimetres."""
    x, y, width, height = (value / figure.dpi * 25.4 for value in extent.bounds)  # type: ignore[attr-defined]
    return Box(x, PAPER.height_mm - y - height, width, height)


def test_tiles_say_how_they_are_joined() -> None:
    cut = parts(piece("S1", 4, 40, 7.7), *room(PAPER.area), 10)
    with drawing():
        axes = sheet(PAPER, "", pack(cut[:1], PAPER.area)[0])
        alone = sheet(PAPER, "", pack(parts(piece("S1", 2, 2, 7.7), *room(PAPER.area), 10), PAPER.area)[0])
    assert any("dashed line" in text.get_text() for text in axes.texts)
    assert not any("dashed line" in text.get_text() for text in alone.texts)
    # An outline, the ruler, and a dashed line in two colours.
    assert len(axes.collections) == len(alone.collections) + 2
