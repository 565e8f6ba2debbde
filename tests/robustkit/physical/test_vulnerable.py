import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from robustkit.errors import UsageError
from robustkit.physical import Sign
from robustkit.physical.masks import area_share, from_rectangles
from robustkit.physical.vulnerable import vulnerable_boxes

STOP = Sign.regular("stop", 8, 76.2)
BOARD = Sign.rectangle("board", 8, 8)


def test_the_boxes_are_where_the_perturbation_is():
    magnitude = torch.zeros(8, 8)
    magnitude[1:3, 1:5] = 2
    magnitude[4:6, 3:7] = 1
    assert vulnerable_boxes(magnitude, BOARD, area_share=0.25, count=2, aspects=(2.0,)) == ((-3, -3, 4, 2), (-1, 0, 4, 2))


def test_the_best_shape_is_chosen():
    magnitude = torch.zeros(8, 8)
    magnitude[0:8, 3:5] = 1
    assert vulnerable_boxes(magnitude, BOARD, area_share=0.25, count=1, aspects=(0.25, 1.0, 4.0)) == ((-1, -4, 2, 8),)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000))
def test_each_box_is_the_best_of_all_that_remain(seed):
    magnitude = torch.rand(8, 8, generator=torch.Generator().manual_seed(seed))
    boxes = vulnerable_boxes(magnitude, BOARD, area_share=0.25, count=2, aspects=(2.0,))
    free = torch.ones(8, 8)
    for x, y, width, height in boxes:
        top, left = int(y) + 4, int(x) + 4
        best = max(
            magnitude[i : i + 2, j : j + 4].sum().item()
            for i, j in itertools.product(range(7), range(5))
            if free[i : i + 2, j : j + 4].all()
        )
        assert (width, height) == (4, 2)
        assert magnitude[top : top + 2, left : left + 4].sum().item() == pytest.approx(best)
        free[top : top + 2, left : left + 4] = 0


def test_the_boxes_lie_within_the_outline_and_have_the_area():
    magnitude = torch.zeros(64, 64)
    magnitude[0, 0] = 1  # a corner that no octagon has
    magnitude += torch.rand(64, 64, generator=torch.Generator().manual_seed(0)) / 10
    boxes = vulnerable_boxes(magnitude, STOP, area_share=0.1, count=3)
    assert 0.09 < area_share(from_rectangles(STOP, boxes, (64, 64)), STOP) <= 0.1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"area_share": 0}, "area_share=0"),
        ({"area_share": 0.1, "count": 0}, "count=0"),
        ({"area_share": 0.1, "aspects": ()}, "ratios above 0"),
        ({"area_share": 0.001}, "less than a texel of the map, 1 cm²"),
        ({"area_share": 0.9, "count": 2, "aspects": (1.0,)}, "only 1 of 2 boxes of 28.8 cm² each fit on the sign 'board'"),
    ],
)
def test_what_is_invalid(settings, message):
    with pytest.raises(UsageError, match=message):
        vulnerable_boxes(torch.ones(8, 8), BOARD, **settings)


def test_an_invalid_map():
    for magnitude in (torch.ones(1, 8, 8), -torch.ones(8, 8), torch.full((8, 8), torch.nan)):
        with pytest.raises(UsageError, match="must be a map"):
            vulnerable_boxes(magnitude, BOARD, area_share=0.1)
