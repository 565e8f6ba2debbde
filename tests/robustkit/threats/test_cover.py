"""Every sticker that is rendered is covered by a square or circle of its area; shapes a little too long are not."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from robustkit.rendering import PlacementRange, render
from robustkit.rng import SampleRandom
from robustkit.threats import Threat
from robustkit.threats.cover import covered_by_circle, covered_by_square


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["square", "circle"]),
    st.sampled_from(["random", "center"]),
    st.integers(8, 40),
    st.integers(8, 40),
    st.floats(0.02, 0.5),
    st.integers(0, 1000),
)
def test_whatever_is_rendered_is_admissible(shape, placement, height, width, area, seed):
    threat = Threat.parse(f"patch:{area:.6f},shape={shape},placement={placement}")
    pixels = threat.pixels(height, width)
    if pixels < 9 or pixels > min(height, width) ** 2:
        return
    x = torch.rand(8, 1, height, width, generator=torch.Generator().manual_seed(seed)) / 2
    drawn = PlacementRange(rotation=180, scale=0.9, brightness=0.0).draw(threat, x, torch.arange(8), SampleRandom(seed, "test"))
    patched, _ = render(x, torch.ones(1, 3, 3), shape, drawn, (0, 1))
    assert threat.contains(x, patched, (0, 1)).all()


def diagonal(length):
    marked = torch.zeros(1, 20, 20, dtype=torch.bool)
    marked[0, range(length), range(length)] = True
    return marked


def test_a_square_may_be_turned():
    # From first to last a diagonal of k pixels is (k - 1) * sqrt(2) long, and a square of side 6 from corner to corner 6 * sqrt(2).
    assert [bool(covered_by_square(diagonal(k), 36.0, False)) for k in (5, 7, 8)] == [True, True, False]
    assert not covered_by_square(diagonal(5), 36.0, True)


def test_a_circle_reaches_as_far_as_its_diameter():
    line = torch.zeros(1, 20, 20, dtype=torch.bool)
    line[0, 3, 2:9] = True  # six pixels from first to last
    assert [bool(covered_by_circle(line, torch.pi * r**2, False)) for r in (3.01, 2.98)] == [True, False]


@pytest.mark.parametrize("covered", [covered_by_square, covered_by_circle])
@pytest.mark.parametrize("centred", [True, False])
def test_nothing_is_covered_by_anything(covered, centred):
    assert covered(torch.zeros(2, 4, 5, dtype=torch.bool), 1.0, centred).tolist() == [True, True]
    assert covered(torch.zeros(0, 4, 5, dtype=torch.bool), 1.0, centred).tolist() == []
