import numpy as np
import torch

from robustkit.physical.drawing.colours import BLACK, BLUE, RED, WHITE
from robustkit.physical.drawing.warning import danger, pedestrian_crossing


def is_colour(texels, colour):
    return (texels - torch.tensor(colour)).abs().amax(-1) < 0.02


def test_danger_stands_on_a_side_and_has_a_black_mark():
    outline = danger().outline
    assert np.ptp(outline[outline[:, 1] > outline[:, 1].max() - 1, 0]) > 70
    middle = danger().texture((100, 100))[:, :, 50].T
    assert is_colour(middle[[3, 97]], RED).all()
    assert is_colour(middle[45:65], BLACK).all()
    assert is_colour(middle, WHITE).sum() > 5


def test_a_person_walks_on_stripes_in_a_white_triangle_on_blue():
    texture = pedestrian_crossing().texture((120, 120)).permute(1, 2, 0)
    assert is_colour(texture[2:8, 10:110], BLUE).all()
    assert is_colour(texture[60:70, 56:66], BLACK).any()
    stripes = is_colour(texture[94, 20:100], BLACK)
    assert int((stripes[1:] & ~stripes[:-1]).sum()) == 5
