import math

import pytest
import torch

from robustkit.physical import Camera, Sign
from robustkit.physical.feature_size import smallest_feature_mm, too_fine
from robustkit.physical.masks import from_rectangles

BOARD = Sign.rectangle("board", 64, 64)


def test_the_narrowest_part():
    # Texels of 1 cm.
    def narrowest(*rectangles):
        return smallest_feature_mm(from_rectangles(BOARD, rectangles, (64, 64)), BOARD)

    assert narrowest((-20, -20, 10, 3)) == 30
    assert narrowest((-20, -20, 10, 30)) == 100
    assert narrowest((-20, -20, 20, 20), (5, 5, 1, 1)) == 10
    assert narrowest((-20, -20, 20, 20), (1, -20, 2, 2)) == 20  # a small one beside a large one
    assert narrowest((-20, -20, 15, 20), (-5, -11, 12, 2)) == 20  # a handle
    assert smallest_feature_mm(torch.zeros(1, 8, 8), BOARD) == 0


@pytest.mark.parametrize("sides", [3, 4, 5, 8, 64])
def test_the_corners_of_a_polygon_are_no_narrow_part(sides):
    sign = Sign.regular("any", sides, 60)
    ends = (*sign.outline_cm[1:], sign.outline_cm[0])
    perimeter = sum(math.dist(start, end) for start, end in zip(sign.outline_cm, ends, strict=True))
    inscribed = 10 * 4 * sign.area_cm2 / perimeter
    assert smallest_feature_mm(sign.coverage(sign.shape(96)), sign) == pytest.approx(inscribed, abs=15)


def test_warnings_name_the_numbers():
    camera = Camera(focal_px=100, width_px=320, height_px=240)
    assert camera.px_mm(1200) == 120
    narrow = "the mask's narrowest part"
    assert too_fine(narrow, 130, dpi=300, px_mm=camera.px_mm(1200)) == []
    assert too_fine(narrow, 30, px_mm=120) == [
        "the mask's narrowest part is 30 mm, finer than a pixel at the farthest distance, 120 mm: it will blur away"
    ]
    both = too_fine("a texel", 0.05, dpi=300, px_mm=120)
    assert both[0] == "a texel is 0.05 mm, finer than a dot of a 300 dpi printer, 0.0847 mm: it will not print"
    assert len(both) == 2
