"""Outlines of masks."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from matplotlib.path import Path as Polygon
from numpy.typing import NDArray

from robustkit.benchmarks.sticker.export.outline import loops


def test_a_rectangle() -> None:
    mask = np.zeros((4, 5), bool)
    mask[1:3, 1:4] = True
    assert loops(mask) == [[(1, 1), (4, 1), (4, 3), (1, 3)]]


def test_a_hole_runs_the_other_way() -> None:
    mask = np.ones((3, 3), bool)
    mask[1, 1] = False
    outer, inner = loops(mask)
    assert outer == [(0, 0), (3, 0), (3, 3), (0, 3)]
    assert sorted(inner) == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert (area(outer), area(inner)) == (9, -1)


def test_texels_that_touch_at_a_corner_are_apart() -> None:
    assert [sorted(loop) for loop in loops(np.eye(2, dtype=bool))] == [
        [(0, 0), (0, 1), (1, 0), (1, 1)],
        [(1, 1), (1, 2), (2, 1), (2, 2)],
    ]


def area(loop: list[tuple[int, int]]) -> float:
    """Positive if it runs clockwise with y down."""
    return sum(x * v - u * y for (x, y), (u, v) in zip(loop, loop[1:] + loop[:1], strict=True)) / 2


@given(hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=7), elements=st.booleans()))
def test_the_loops_enclose_exactly_the_mask(mask: NDArray[np.bool_]) -> None:
    found = loops(mask)
    assert sum(area(loop) for loop in found) == mask.sum()
    y, x = np.mgrid[: mask.shape[0], : mask.shape[1]] + 0.5
    crossings = np.zeros(mask.size, int)
    for loop in found:
        crossings += Polygon(loop).contains_points(np.stack([x.ravel(), y.ravel()], axis=1))
    assert np.array_equal(crossings % 2 == 1, mask.ravel())
    for loop in found:
        for before, at, after in zip(loop[-1:] + loop[:-1], loop, loop[1:] + loop[:1], strict=True):
            assert (before[0] == at[0]) != (after[0] == at[0])
