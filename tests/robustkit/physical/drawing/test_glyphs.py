import numpy as np
import pytest

from robustkit.physical.drawing.glyphs import GLYPHS, write


def box(parts):
    corners = np.concatenate(parts)
    return corners.min(0), corners.max(0)


@pytest.mark.parametrize("character", sorted(GLYPHS))
def test_every_glyph_has_the_height_of_the_line(character):
    low, high = box(write(character, 10, (0, 0)))
    assert low[1] == pytest.approx(-5, abs=0.1)
    assert high[1] == pytest.approx(5, abs=0.1)


@pytest.mark.parametrize("text", ["STOP", "45", "LIMIT"])
def test_text_is_centred(text):
    low, high = box(write(text, 20, (3, -4)))
    assert np.allclose((low + high) / 2, (3, -4), atol=0.5)


def test_a_space_keeps_glyphs_apart():
    low, high = box(write("1 1", 10, (0, 0)))
    near, far = box(write("11", 10, (0, 0)))
    assert high[0] - low[0] > far[0] - near[0] + 2


def test_nine_is_six_upside_down():
    def ends(character):
        return sorted(tuple(np.round(part.mean(0), 6)) for part in write(character, 10, (0, 0)))

    assert np.allclose(ends("9"), sorted((-x, -y) for x, y in ends("6")), atol=0.02)
