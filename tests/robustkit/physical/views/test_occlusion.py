import math

import pytest
import torch

from robustkit.colour import srgb_to_linear
from robustkit.errors import UsageError
from robustkit.physical.views import Occlusion


def shape(**changed):
    one = {
        "present": torch.ones(1, 1),
        "round": torch.ones(1, 1),
        "centre": torch.zeros(1, 1, 2),
        "size": torch.full((1, 1), 0.25),
        "slenderness": torch.ones(1, 1),
        "angle": torch.zeros(1, 1),
        "softness": torch.full((1, 1), 0.01),
        "side_angles": torch.arange(6).float()[None, None] * math.pi / 3,
        "side_distances": torch.ones(1, 1, 6),
        "colour": torch.tensor([[[0.1, 0.4, 0.2]]]),
    }
    return one | changed


def covered(parameters, size=(64, 64)):
    return srgb_to_linear(Occlusion()(torch.ones(1, 3, *size), parameters))[0]


def test_an_ellipse_hides_what_is_behind_it_and_nothing_else():
    light = covered(shape())
    assert torch.allclose(light[:, 32, 32], torch.tensor([0.1, 0.4, 0.2]), atol=1e-5)
    assert torch.allclose(light[:, 0], torch.ones(3, 64), atol=1e-5)
    assert float(((1 - light[0]) / 0.9).sum()) == pytest.approx(math.pi * 16**2, rel=0.01)
    long = covered(shape(slenderness=torch.full((1, 1), 4.0)))[0] < 0.5
    assert (int(long[32].sum()), int(long[:, 32].sum())) == (64, 16)


def test_a_polygon_has_the_area_between_its_sides():
    light = covered(shape(round=torch.zeros(1, 1)))
    assert float(((1 - light[0]) / 0.9).sum()) == pytest.approx(6 / math.sqrt(3) * 16**2, rel=0.01)


def test_absent_shapes_and_centres_in_a_wide_frame():
    assert torch.allclose(covered(shape(present=torch.zeros(1, 1))), torch.ones(3, 64, 64), atol=1e-6)
    hidden = covered(shape(centre=torch.tensor([[[0.4, -0.25]]])), (32, 96))[0] < 0.5
    rows, columns = hidden.nonzero().float().mean(0).tolist()
    assert (rows + 0.5, columns + 0.5) == pytest.approx((0.25 * 32, 0.9 * 96), abs=0.6)


def test_the_number_of_shapes_and_their_colours(random):
    drawn = Occlusion(shapes=(1, 3)).draw(torch.arange(600), random)
    number = drawn["present"].sum(1)
    assert number.unique(return_counts=True)[0].tolist() == [1, 2, 3]
    assert int(number.unique(return_counts=True)[1].min()) > 150
    assert 0 <= float(drawn["colour"].min()) < float(drawn["colour"].max()) <= 1
    with pytest.raises(UsageError, match=r"shapes=\(0, 1.5\) must be two whole numbers"):
        Occlusion(shapes=(0, 1.5))
