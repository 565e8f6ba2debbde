"""Squares and lines whose numbers are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robustkit.benchmarks.sticker.polygons import area, clockwise, convex, cross, fitted_line, meeting, normal, sides

SQUARE = np.array([[0.0, 0], [2, 0], [2, 2], [0, 2]])


def test_a_square() -> None:
    assert area(SQUARE) == area(SQUARE[::-1]) == 4
    assert convex(SQUARE)
    assert not convex(SQUARE[[0, 2, 1, 3]])
    assert np.array_equal(clockwise(SQUARE[::-1]), SQUARE)
    assert cross(np.array([1.0, 0]), np.array([0.0, 1])) == 1


def test_normals_point_out_of_a_clockwise_polygon() -> None:
    centre = SQUARE.mean(0)
    for start, end in sides(SQUARE):
        assert normal(start, end) @ ((start + end) / 2 - centre) == pytest.approx(1)


def test_a_line_is_fitted_to_most_points() -> None:
    points = np.array([[float(x), 3.0] for x in range(20)] + [[5.0, 9.0], [6.0, 12.0]])
    centre, direction = fitted_line(points, np.array([-1.0, 0]))
    assert centre[1] == pytest.approx(3)
    assert direction == pytest.approx([-1, 0])


@given(st.floats(0, 360), st.integers(3, 8))
def test_lines_along_the_sides_of_a_polygon_meet_in_its_corners(rotation: float, count: int) -> None:
    angles = np.radians(rotation) + 2 * np.pi * np.arange(count) / count
    polygon = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    found = meeting([((start + end) / 2, end - start) for start, end in sides(polygon)])
    assert found is not None
    assert found == pytest.approx(polygon)


def test_parallel_lines_do_not_meet() -> None:
    across, along = np.array([1.0, 0]), np.array([0.0, 1])
    assert meeting([(np.zeros(2), across), (along, across), (across, along)]) is None
