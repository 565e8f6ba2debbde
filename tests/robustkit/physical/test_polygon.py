import pytest

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


def test_coverage_is_exact_on_diagonals_and_adds_up():
    triangle = coverage(((-1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)), (2, 2), (2, 2))
    assert triangle.tolist() == [[[0.5, 0], [1, 0.5]]]
    centred = tuple((x - 2, y - 2) for x, y in ARROW)
    assert coverage(centred, (4, 4), (32, 32)).mean().item() * 16 == pytest.approx(area(ARROW), rel=0.002)
