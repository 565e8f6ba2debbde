"""An image is judged by rendering it again, up to rounding."""

import pytest
import torch

from robustkit.errors import AttackError
from robustkit.threats.witness import ROUNDINGS, checked_witness, is_clean, rounding, shows

X = torch.full((4, 1, 2, 2), 0.5, dtype=torch.float64)


@pytest.mark.parametrize(("bounds", "scale"), [((0.0, 1.0), 1), ((-1.0, 1.0), 2), ((0.0, 255.0), 255), ((10.0, 11.0), 11)])
def test_rounding_follows_the_type_and_the_largest_number_on_the_way(bounds, scale):
    for dtype in (torch.float32, torch.float64):
        assert rounding(X.to(dtype), bounds) == pytest.approx(ROUNDINGS * torch.finfo(dtype).eps * scale)


def test_an_image_shows_what_was_rendered_if_no_pixel_is_off():
    x_adv, slack = X.clone(), rounding(X, (0, 1))
    x_adv[1, 0, 0, 0] += slack / 2
    x_adv[2, 0, 0, 0] += 2 * slack
    x_adv[3, 0, 0, 0] = torch.nan
    assert shows(x_adv, X, (0, 1)).tolist() == [True, True, False, False]


def test_an_image_outside_the_box_shows_nothing():
    assert not shows(X + 1, X + 1, (0, 1)).any()
    assert not is_clean(X + 1, X + 1, (0, 1)).any()


def test_the_clean_image_is_the_clean_one_to_the_last_bit():
    x_adv = X.clone()
    x_adv[1, 0, 0, 0] = torch.nextafter(x_adv[1, 0, 0, 0], torch.ones((), dtype=X.dtype))
    assert is_clean(X, x_adv, (0, 1)).tolist() == [True, False, True, True]


@pytest.mark.parametrize("shape", [(4, 2), (3, 3), (4,), (4, 3, 1)])
def test_a_witness_has_one_row_an_image(shape):
    assert checked_witness(torch.zeros(4, 3), X, 3).shape == (4, 3)
    with pytest.raises(AttackError, match=r"the attack's witness has shape \(.*\); expected \(4, 3\), one row per image"):
        checked_witness(torch.zeros(shape), X, 3)
