import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robustkit.physical.polygon import area, coverage, crosses_itself

SQUARE = ((-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0))
ARROW = ((0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (2.0, 1.0), (0.0, 4.0))


def test_area():
    assert area(SQUARE) == area(SQUARE[::-1]) == 4
    assert area(ARROW) == 10


def test_what_crosses_itself():
    assert not crosses_itself(SQUARE)
    assert not crosses_itself(SQUARE[:3])
    assert not crosses_itself(ARROW)
    assert crosses_itself((SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3]))
    assert crosses_itself((*SQUARE, (1.0, 0.0)))  # touches the right side


def test_coverage_counts_the_share_of_each_cell():
    covered = coverage(((-1.0, -1.0), (0.5, -1.0), (0.5, 0.0), (-1.0, 0.0)), (2, 2), (2, 4))
    assert covered.tolist() == [[[1, 1, 1, 0], [0, 0, 0, 0]]]
    half = coverage(((-1.0, -1.0), (0.25, -1.0), (0.25, 1.0), (-1.0, 1.0)), (2, 2), (2, 4))
    assert half.tolist() == [[[1, 1, 0.5, 0], [1, 1, 0.5, 0]]]


def test_coverage_of_diagonals():
    triangle = coverage(((-1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)), (2, 2), (2, 2))
    assert triangle.tolist() == [[[0.5, 0], [1, 0.5]]]
    assert coverage(((-0.5, -1.0), (0.5, -1.0), (0.0, 1.0)), (1, 2), (1, 1)).tolist() == [[[0.5]]]


def test_coverage_within_the_grid_of_what_extends_over_it():
    diamond = ((0.0, -3.0), (3.0, 0.0), (0.0, 3.0), (-3.0, 0.0))
    assert coverage(diamond, (4, 4), (2, 2)).flatten().tolist() == [0.875] * 4
    assert coverage(tuple((x + 9, y) for x, y in diamond), (4, 4), (2, 2)).sum() == 0


@given(
    st.lists(st.tuples(st.floats(0.01, 1), st.floats(0.01, 1)), min_size=3, max_size=9), st.integers(1, 40), st.integers(1, 40)
)
def test_the_cells_add_up_to_the_area(steps, rows, columns):
    """Of any star around the centre."""
    angles = [2 * math.pi * (k + 0.9 * turn) / len(steps) for k, (_, turn) in enumerate(steps)]
    star = tuple(
        (4 * radius * math.cos(angle), 3 * radius * math.sin(angle)) for (radius, _), angle in zip(steps, angles, strict=True)
    )
    covered = coverage(star, (8, 6), (rows, columns))
    assert covered.double().mean().item() * 48 == pytest.approx(area(star), abs=1e-3)
    assert covered.min() >= 0
    assert covered.max() <= 1
