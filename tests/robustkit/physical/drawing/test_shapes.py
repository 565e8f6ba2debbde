import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robustkit.physical.drawing.shapes import arc, arrow, disc, polygon, rectangle, regular, rounded, stroke


def area(corners):
    x, y = corners.T
    return abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def test_an_arc_goes_clockwise_in_the_picture_from_the_right():
    assert np.allclose(arc((1, 2), (3, 4), 0, 90, 45), [(4, 2), (1 + 3 * math.sqrt(0.5), 2 + 4 * math.sqrt(0.5)), (1, 6)])


def test_an_arc_may_go_backwards():
    assert np.allclose(arc((0, 0), (1, 1), 90, 0), arc((0, 0), (1, 1), 0, 90)[::-1])


def test_a_regular_polygon_has_its_first_corner_where_it_is_put():
    assert np.allclose(regular(4, 2, 0), [(2, 0), (0, 2), (-2, 0), (0, -2)])
    assert len(regular(3, 1, 90)) == 3


def test_a_disc_has_almost_the_area_of_the_circle():
    assert area(disc(2, (5, 5))) == pytest.approx(4 * math.pi, rel=2e-3)
    assert np.allclose(disc(2, (5, 7)).mean(0), (5, 7))


def test_a_rectangle_is_around_its_centre():
    assert np.allclose(rectangle(4, 2, (1, 1)), [(-1, 0), (3, 0), (3, 2), (-1, 2)])


@given(st.floats(0.1, 2))
def test_rounding_a_square_takes_the_corners_beyond_the_circles(radius):
    assert area(rounded(rectangle(4, 4), radius)) == pytest.approx(16 - (4 - math.pi) * radius**2, abs=0.03)


def test_rounding_keeps_the_sides_of_a_triangle():
    triangle = regular(3, 10, 90)
    assert rounded(triangle, 1)[:, 1].min() == pytest.approx(triangle[:, 1].min())


def test_a_stroke_ends_half_a_width_beyond_its_points():
    (bar,) = stroke([(0, 0), (10, 0)], 2)
    assert np.allclose(sorted(map(tuple, bar)), [(-1, -1), (-1, 1), (11, -1), (11, 1)])


def test_a_stroke_has_a_joint_at_each_inner_point_and_skips_repeated_ones():
    parts = stroke([(0, 0), (5, 0), (5, 0), (5, 5)], 2)
    assert [len(part) for part in parts] == [4, 4, 60]
    assert np.allclose(parts[-1].mean(0), (5, 0))


def test_a_closed_stroke_has_no_ends():
    parts = stroke([(0, 0), (4, 0), (4, 4), (0, 0)], 1)
    assert [len(part) for part in parts] == [4, 4, 4, 60, 60, 60]
    assert np.allclose(parts[0], [(0, 0.5), (4, 0.5), (4, -0.5), (0, -0.5)])


def test_the_tip_of_an_arrow_is_its_last_point():
    path = polygon((0, 0), (0, -10))
    bar, head = arrow(path, 1, 5)
    assert np.allclose(head[0], (0, -10))
    assert np.allclose(sorted(map(tuple, head[1:])), [(-2.5, -6), (2.5, -6)])
    assert -7 < bar[:, 1].min() < -6
    assert np.allclose(path, [(0, 0), (0, -10)])
