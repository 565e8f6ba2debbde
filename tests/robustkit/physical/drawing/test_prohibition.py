import numpy as np
import pytest
import torch

from robustkit.physical.drawing.colours import BLACK, BLUE, RED, WHITE
from robustkit.physical.drawing.prohibition import no_entry, no_overtaking, no_stopping, speed_limit, speed_limit_in_words


def share(texture, colour):
    """How much of a picture has a colour."""
    return float(((texture - torch.tensor(colour)[:, None, None]).abs().amax(0) < 0.02).float().mean())


@pytest.mark.parametrize("drawing", [no_entry(), speed_limit(30), no_overtaking(), no_stopping()])
def test_round_signs_are_60_cm_wide(drawing):
    assert np.ptp(drawing.outline, axis=0) == pytest.approx((60, 60), abs=0.01)
    assert np.hypot(*drawing.outline.T) == pytest.approx(30)


def test_no_entry_has_a_white_bar_on_red():
    texture = no_entry().texture((60, 60))
    assert share(texture[:, 27:33, 10:50], WHITE) == 1
    assert share(texture[:, 10:20, 20:40], RED) == 1


@pytest.mark.parametrize("limit", [30, 50, 80])
def test_a_limit_is_black_in_a_red_ring(limit):
    texture = speed_limit(limit).texture((120, 120))
    assert share(texture[:, 57:63, 3:14], RED) == 1
    assert 0.3 < share(texture[:, 36:84, 24:96], BLACK) < 0.6
    assert share(texture[:, 20:28, 50:70], WHITE) == 1


def test_limits_differ_in_their_first_digit_alone():
    thirty, fifty = (speed_limit(limit).texture((120, 120)) for limit in (30, 50))
    assert not torch.equal(thirty[:, :, :58], fifty[:, :, :58])
    assert float((thirty[:, :, 64:] - fifty[:, :, 64:]).abs().mean()) < 0.05


def test_a_limit_in_words_is_an_upright_plate():
    drawing = speed_limit_in_words(45)
    assert np.ptp(drawing.outline, axis=0) == pytest.approx((60, 75), abs=0.01)
    assert share(drawing.texture((75, 60)), WHITE) > 0.5


def test_no_overtaking_has_the_red_car_on_the_left():
    left, right = no_overtaking().texture((120, 120))[:, 45:75].chunk(2, dim=2)
    assert share(left[:, :, 18:], RED) > 0.3
    assert share(left, BLACK) == 0
    assert share(right, BLACK) > 0.3


def test_no_stopping_is_a_red_cross_on_blue():
    texture = no_stopping().texture((60, 60))
    assert share(texture[:, 29:31, 29:31], RED) == 1
    assert share(texture[:, 10:15, 28:32], BLUE) == 1
