"""The placement sheet."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.axes import Axes

from robustkit.benchmarks.sticker.export.packing import pack, room
from robustkit.benchmarks.sticker.export.page import drawing, files
from robustkit.benchmarks.sticker.export.paper import Paper
from robustkit.benchmarks.sticker.export.parts import parts
from robustkit.benchmarks.sticker.export.pieces import Piece, pieces
from robustkit.benchmarks.sticker.export.placement import offsets_cm, placement, sheets
from robustkit.physical.sign import Sign
from robustkit.physical.sticker import Sticker
from tests.benchmarks.sticker.export.printed import from_pdf

PAPER = Paper.named("A4")
STOP = Sign.regular("stop", 8, 75.0)


def drawn(sign: Sign, alpha: torch.Tensor) -> list[Axes]:
    """The placement sheets of a black sticker."""
    cut = pieces(Sticker(torch.zeros(3, *alpha.shape[1:]), alpha, sign))
    layout = pack([part for each in cut for part in parts(each, *room(PAPER.area), 10)], PAPER.area)
    with drawing():
        return placement(PAPER, sign, cut, layout, "a title")


def texts(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_offsets_are_measured_from_the_signs_edges() -> None:
    piece = Piece("S1", np.zeros((4, 10, 3), np.uint8), np.ones((4, 10), bool), 20, 5, (7.5, 7.5))
    assert offsets_cm(piece, STOP) == pytest.approx((3.75, 63.75, 15.0, 57.0))


@given(st.integers(0, 9), st.integers(0, 9), st.integers(1, 9), st.integers(1, 9))
def test_offsets_and_sizes_add_up_to_the_sign(row: int, column: int, rows: int, columns: int) -> None:
    piece = Piece("S1", np.zeros((rows, columns, 3), np.uint8), np.ones((rows, columns), bool), row, column, (3.7, 5.1))
    left, right, top, bottom = offsets_cm(piece, STOP)
    assert left + piece.width_mm / 10 + right == pytest.approx(STOP.width_cm)
    assert top + piece.height_mm / 10 + bottom == pytest.approx(STOP.height_cm)


def test_the_sheet_shows_each_piece_to_scale_with_its_offsets_and_the_notice() -> None:
    alpha = torch.zeros(1, 100, 100)
    alpha[:, 20:30, 10:40] = 1
    alpha[:, 70:80, 60:90] = 1
    (axes,) = drawn(STOP, alpha)
    shown = texts(axes)
    assert any("illegal and dangerous" in text for text in shown)
    assert "Scale 1 : 5" in shown
    for cell in ("S1", "7.50", "45.00", "15.00", "52.50", "225.0 × 75.0"):
        assert cell in shown
    with drawing():
        (page,) = from_pdf(files("name", "", [axes], 72)["name.pdf"])
    first, second = page.images
    assert (first.width, first.height) == pytest.approx((45, 15), abs=1e-3)
    assert second.left - first.left == pytest.approx((45.0 - 7.5) * 10 / 5, abs=1e-3)
    assert second.top - first.top == pytest.approx((52.5 - 15.0) * 10 / 5, abs=1e-3)


@settings(max_examples=20)
@given(st.floats(2, 400), st.floats(2, 400))
def test_any_sign_is_drawn_within_the_area(width: float, height: float) -> None:
    alpha = torch.zeros(1, 4, 4)
    alpha[:, 1:3, 1:3] = 1
    (axes,) = drawn(Sign.rectangle("a sign", width, height), alpha)
    left, right, bottom, top = axes.images[0].get_extent()
    aside, below, area = (right - left) / 2, (bottom - top) / 2, PAPER.area
    assert area.left <= left - aside
    assert right + aside <= area.right
    assert area.top <= top - below
    assert bottom + below <= area.bottom


def test_a_long_table_goes_on_over_further_sheets() -> None:
    alpha = torch.zeros(1, 40, 40)
    alpha[:, 10:30:2, 10:30:2] = 1
    pages = drawn(STOP, alpha)
    assert len(pages) == 3
    names = [f"S{k}" for k in range(1, 101)]
    assert [name for name in names if any(name in texts(page) for page in pages)] == names
    assert all(any("not for public roads" in text for text in texts(page)) for page in pages)


def test_tiles_are_shown_with_their_sheets() -> None:
    (axes,) = drawn(STOP, torch.ones(1, 32, 32))
    assert "S1 row 1 column 1\nsheet 1" in texts(axes)
    assert "1 to 20" in texts(axes)


def test_sheets_of_a_piece() -> None:
    cut = pieces(Sticker(torch.zeros(3, 4, 4), torch.ones(1, 4, 4), STOP))
    tiles = parts(cut[0], *room(PAPER.area), 10)
    assert sheets(pack(tiles[:1], PAPER.area)) == {"S1": "1"}
    assert sheets(pack(tiles[:3], PAPER.area)) == {"S1": "1 to 3"}
