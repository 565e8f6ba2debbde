"""A bright square on a dark ground, whose edges are known."""

import numpy as np
import pytest

from robustkit.benchmarks.sticker.edges import Edges

SQUARE = np.array([[20.0, 20], [60, 20], [60, 60], [20, 60]])


@pytest.fixture
def edges() -> Edges:
    channel = np.zeros((1, 80, 80))
    channel[0, 20:60, 20:60] = 50
    return Edges(channel)


def test_a_polygon_on_edges_is_supported(edges: Edges) -> None:
    assert edges.support(SQUARE)
    assert not edges.support(SQUARE + 8)
    assert not edges.support((SQUARE - 40) * 0.7 + 40)


def test_the_slope_is_steepest_on_the_edge(edges: Edges) -> None:
    slopes = [edges.slope((SQUARE - 40) * scale + 40) for scale in (0.9, 0.95, 1, 1.05, 1.1)]
    assert np.argmax(slopes) == 2


def test_a_line_snaps_to_the_edge_within_reach(edges: Edges) -> None:
    point, along = edges.line(np.array([20.0, 21.5]), np.array([60.0, 21.5]), 3)
    assert point[1] == pytest.approx(20, abs=0.1)
    assert along == pytest.approx([1, 0], abs=1e-6)


def test_a_side_without_an_edge_stays(edges: Edges) -> None:
    start, end = np.array([30.0, 40]), np.array([50.0, 40])
    point, along = edges.line(start, end, 2)
    assert (point.tolist(), along.tolist()) == ([30, 40], [1, 0])
