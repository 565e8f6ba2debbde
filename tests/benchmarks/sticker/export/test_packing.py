"""Parts on sheets."""

from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from robustkit.benchmarks.sticker.export.packing import GAP_MM, LABEL_MM, Placed, pack, room
from robustkit.benchmarks.sticker.export.paper import SIZES_MM, Paper
from robustkit.benchmarks.sticker.export.parts import Part, parts
from robustkit.benchmarks.sticker.export.pieces import Piece

papers = st.builds(Paper.named, st.sampled_from(sorted(SIZES_MM)), st.floats(0, 15)).flatmap(
    lambda paper: st.sampled_from([paper, paper.landscape])
)
sizes = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), min_size=1, max_size=12)


def cut(sizes: list[tuple[int, int]], pitch_mm: float, paper: Paper) -> list[Part]:
    """Parts of rectangular pieces with these rows and columns."""
    pieces = [
        Piece(f"S{k}", np.zeros((*size, 3), np.uint8), np.ones(size, bool), 0, 0, (pitch_mm, pitch_mm))
        for k, size in enumerate(sizes, 1)
    ]
    return [part for piece in pieces for part in parts(piece, *room(paper.area), 10)]


@given(sizes, st.sampled_from([0.7, 5.0, 11.3]), papers)
def test_parts_never_overlap_or_leave_the_area(sizes: list[tuple[int, int]], pitch: float, paper: Paper) -> None:
    given = cut(sizes, pitch, paper)
    sheets = pack(given, paper.area)
    assert sorted(id(each.part) for sheet in sheets for each in sheet) == sorted(map(id, given))
    area, close = paper.area, 1e-3
    for sheet in sheets:
        assert sheet
        for each in sheet:
            assert area.left + GAP_MM - close <= each.left
            assert each.right + GAP_MM <= area.right + close
            assert area.top + GAP_MM - close <= each.top
            assert each.bottom + GAP_MM + LABEL_MM <= area.bottom + close
        assert all(apart(one, other) for one, other in combinations(sheet, 2))


def apart(one: Placed, other: Placed) -> bool:
    """Whether there is room for both cut lines, and for a label, between two parts."""
    aside = max(one.left, other.left) - min(one.right, other.right)
    below = max(one.top, other.top) - min(one.bottom, other.bottom)
    return aside >= 2 * GAP_MM - 1e-3 or below >= 2 * GAP_MM + LABEL_MM - 1e-3


def test_small_pieces_share_a_shelf() -> None:
    paper = Paper.named("A4")
    (sheet,) = pack(cut([(2, 4), (4, 2), (3, 4)], 10.0, paper), paper.area)
    assert [(each.part.piece.name, each.left, each.top) for each in sheet] == [("S2", 13, 24), ("S3", 53, 24), ("S1", 99, 24)]


def test_a_piece_as_large_as_the_room_fits() -> None:
    paper = Paper.named("A4")
    width, height = room(paper.area)
    piece = Piece("S1", np.zeros((1, 1, 3), np.uint8), np.ones((1, 1), bool), 0, 0, (width, height))
    ((placed,),) = pack(parts(piece, width, height, 10), paper.area)
    assert (placed.part.tile, placed.left, placed.top) == (None, 13, 24)
