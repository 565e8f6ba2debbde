import numpy as np
import pytest
import torch

from robustkit.physical.drawing.colours import BLACK, RED, WHITE
from robustkit.physical.drawing.paint import Drawing
from robustkit.physical.drawing.shapes import polygon, rectangle

RULER = polygon((0, 0), (40, 0), (40, 20), (0, 20))


def pixel(colour):
    return torch.tensor(colour)


def test_later_layers_lie_over_earlier_ones():
    drawing = Drawing(RULER, WHITE, ((RED, [rectangle(20, 20, (10, 10))]), (BLACK, [rectangle(10, 20, (5, 10))])))
    row = drawing.texture((1, 4))[:, 0].T
    assert torch.allclose(row, torch.tensor([BLACK, RED, WHITE, WHITE]), atol=1e-6)


def test_a_texel_that_is_half_covered_has_half_the_light():
    drawing = Drawing(RULER, (0.0, 0.0, 0.0), (((1.0, 1.0, 1.0), [rectangle(20, 20, (10, 10))]),))
    assert drawing.texture((1, 1)).flatten().tolist() == pytest.approx([0.7354] * 3, abs=1e-3)


def test_polygons_beyond_the_edge_are_cut():
    drawing = Drawing(RULER, WHITE, ((RED, [rectangle(500, 500)]),))
    assert torch.allclose(drawing.texture((2, 4)), pixel(RED)[:, None, None].expand(3, 2, 4), atol=1e-6)


def test_the_sign_is_centred_and_the_picture_covers_its_box():
    sign = Drawing(RULER, WHITE, ()).sign("ruler")
    assert (sign.name, sign.width_cm, sign.height_cm) == ("ruler", 40, 20)
    assert np.allclose(sign.outline_cm, RULER - (20, 10))
