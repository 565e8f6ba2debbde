"""Whole pieces and tiles."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robustkit.benchmarks.sticker.export.parts import DOT_MM, dots_of, parts, spans
from robustkit.benchmarks.sticker.export.pieces import Piece
from robustkit.errors import UsageError


def piece_of(rows: int, columns: int, pitch_mm: float = 10.0) -> Piece:
    """A piece with another colour at each texel."""
    colours = np.stack(np.meshgrid(np.arange(rows), np.arange(columns), [7], indexing="ij"), axis=-1)[:, :, 0].astype(np.uint8)
    return Piece("S1", colours, np.ones((rows, columns), bool), 0, 0, (pitch_mm, pitch_mm))


@given(st.integers(1, 5000), st.integers(2, 800), st.data())
def test_spans_cover_everything_and_share_the_overlap(length: int, most: int, data: st.DataObject) -> None:
    overlap = data.draw(st.integers(0, most - 1))
    found = spans(length, most, overlap)
    assert (found[0][0], found[-1][1]) == (0, length)
    assert {end - start for start, end in found} == {found[0][1]}
    assert found[0][1] <= most
    assert all(before[1] - after[0] >= overlap for before, after in pairwise(found))
    # No fewer would do.
    assert len(found) == 1 or (len(found) - 1) * (most - overlap) + overlap < length


@given(st.floats(0.01, 200))
def test_no_dot_is_larger_than_a_viewer_may_blur(pitch: float) -> None:
    dots = dots_of(pitch)
    assert pitch / dots <= DOT_MM * (1 + 1e-6) or dots == 1
    assert dots == 1 or pitch / (dots - 1) > DOT_MM * (1 - 1e-6)


def test_a_piece_that_fits_is_whole() -> None:
    (part,) = parts(piece_of(3, 5), 50, 30, 10)
    assert (part.name, part.width_mm, part.height_mm, part.joins_mm) == ("S1", 50, 30, (None, None))
    assert np.array_equal(part.outline_mm()[0], [(0, 0), (50, 0), (50, 30), (0, 30), (0, 0)])
    assert part.image().shape == (180, 300, 4)
    assert np.array_equal(part.image()[30::60, 30::60, :3], part.piece.colours)


def test_a_larger_piece_is_tiled() -> None:
    found = parts(piece_of(3, 9), 50, 30, 10)
    assert [part.name for part in found] == ["S1 row 1 column 1", "S1 row 1 column 2"]
    assert [(part.width_mm, part.height_mm) for part in found] == [(50, 30)] * 2
    assert [part.joins_mm for part in found] == [(40, None), (None, None)]
    first, second = (part.image() for part in found)
    assert np.array_equal(first[:, 240:], second[:, :60])


def test_a_tile_without_paper_is_left_out_and_not_joined() -> None:
    piece = piece_of(4, 4, 30.0)
    piece.mask[:] = np.arange(4)[:, None] <= np.arange(4)
    found = {part.tile: part for part in parts(piece, 60, 60, 0)}
    assert sorted(found) == [(1, 1), (1, 2), (2, 2)]
    assert found[1, 1].joins_mm == (60, None)
    assert found[1, 2].joins_mm == (None, 60)


@given(st.integers(1, 9), st.integers(1, 9), st.sampled_from([0.3, 3.7, 23.4375]), st.integers(0, 15))
def test_tiles_show_every_texel_at_its_place(rows: int, columns: int, pitch: float, overlap: int) -> None:
    piece = piece_of(rows, columns, pitch)
    whole = np.zeros((rows * dots_of(pitch), columns * dots_of(pitch), 4), np.uint8)
    for part in parts(piece, 60, 45, overlap):
        assert part.width_mm <= 60 + 1e-3
        assert part.height_mm <= 45 + 1e-3
        whole[slice(*part.down), slice(*part.across)] = part.image()
        assert max(loop.max() for loop in part.outline_mm()) == pytest.approx(max(part.width_mm, part.height_mm))
    assert np.array_equal(whole[..., :3], piece.colours.repeat(dots_of(pitch), 0).repeat(dots_of(pitch), 1))
    assert (whole[..., 3] == 255).all()


def test_an_overlap_as_large_as_the_sheet_is_an_error() -> None:
    with pytest.raises(UsageError, match=r"piece S1 is 90\.0 mm by 30\.0 mm, which fits no sheet"):
        parts(piece_of(3, 9), 50, 30, 31)
