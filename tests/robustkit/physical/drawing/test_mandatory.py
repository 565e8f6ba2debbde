import pytest
import torch

from robustkit.physical.drawing.colours import BLUE, WHITE
from robustkit.physical.drawing.mandatory import ahead_only, keep_right, turn_left, turn_right


def white_box(drawing):
    """The box around the arrow, from -1 to 1: left, right, top, bottom."""
    texture = drawing.texture((120, 120))
    line = torch.linspace(-1, 1, 120)
    inside = (line**2 + line[:, None] ** 2) < 0.9**2
    white = ((texture - torch.tensor(WHITE)[:, None, None]).abs().amax(0) < 0.02) & inside
    rows, columns = (line[index] for index in white.nonzero().T)
    return tuple(float(edge) for edge in (columns.min(), columns.max(), rows.min(), rows.max()))


@pytest.mark.parametrize("drawing", [ahead_only(), turn_left(), turn_right(), keep_right()])
def test_the_disc_is_mostly_blue(drawing):
    blue = (drawing.texture((60, 60)) - torch.tensor(BLUE)[:, None, None]).abs().amax(0) < 0.02
    assert 0.4 < float(blue.float().mean()) < 0.75


def test_arrows_point_where_they_say():
    left, right, top, bottom = white_box(ahead_only())
    assert (left + right, top) == pytest.approx((0, -0.7), abs=0.05)
    left, right, _, _ = white_box(turn_left())
    assert (left, right) == pytest.approx((-0.63, 0.38), abs=0.05)
    left, right, _, _ = white_box(turn_right())
    assert (left, right) == pytest.approx((-0.38, 0.63), abs=0.05)
    left, right, top, bottom = white_box(keep_right())
    assert (right, bottom) == pytest.approx((0.5, 0.5), abs=0.05)
