import numpy as np
import pytest
import torch

from robustkit.physical.drawing.colours import BLACK, RED, WHITE, YELLOW
from robustkit.physical.drawing.priority import priority_road, stop, yield_


def column(drawing, size):
    """The middle column's colours, from top to bottom."""
    return drawing.texture((size, size))[:, :, size // 2].T


def has(texels, colour):
    return (texels - torch.tensor(colour)).abs().amax(1) < 0.02


def test_stop_is_an_octagon_that_stands_on_a_side():
    outline = stop().outline
    assert len(outline) == 8
    assert np.ptp(outline, axis=0) == pytest.approx((75, 75), abs=0.01)
    assert np.sort(outline[:, 1])[-2:] == pytest.approx((37.5, 37.5), abs=0.01)


def test_the_word_on_stop_leaves_most_of_it_red():
    texture = stop().texture((100, 100))
    inside = texture[:, 20:80, 20:80].flatten(1).T
    assert 0.5 < float(has(inside, RED).float().mean()) < 0.9
    assert float(has(inside, WHITE).float().mean()) > 0.1


def test_yield_stands_on_its_tip_with_a_red_border():
    outline = yield_().outline
    assert np.ptp(outline[outline[:, 1] > outline[:, 1].max() - 1, 0]) < 8
    texels = column(yield_(), 100)
    assert has(texels[[2, 97]], RED).all()
    assert has(texels[35:45], WHITE).all()


def test_priority_road_is_yellow_within_black_within_white():
    texels = column(priority_road(), 168)
    kinds = [name for name, colour in (("white", WHITE), ("black", BLACK), ("yellow", YELLOW)) if has(texels, colour).any()]
    assert kinds == ["white", "black", "yellow"]
    assert has(texels[[5, -5]], WHITE).all()
    assert has(texels[40:120], YELLOW).all()
