import pytest
import torch

from robustkit.errors import UsageError
from robustkit.physical.drawing.catalogue import CLASSES, artwork


def test_it_has_the_signs_that_matter():
    assert len(CLASSES) == len(set(CLASSES)) >= 12
    assert {"stop", "yield", "no entry", "speed limit 30", "speed limit 45", "turn left", "priority road"} <= set(CLASSES)


@pytest.mark.parametrize("name", CLASSES)
def test_every_sign_is_opaque_inside_and_transparent_at_its_corners(name):
    art = artwork(name, 64)
    assert art.sign.name == name
    assert 50 < art.sign.width_cm < 95
    assert tuple(art.texture.shape) == (3, *art.sign.shape(64))
    assert float(art.texture.min()) >= 0
    assert float(art.texture.max()) <= 1
    middle = art.alpha.shape[1] // 2
    assert float(art.alpha[0, middle, 32]) == 1
    assert float(art.alpha.mean()) == pytest.approx(art.sign.area_cm2 / art.sign.width_cm / art.sign.height_cm, abs=0.01)


def test_no_two_signs_look_alike():
    small = [torch.nn.functional.interpolate(artwork(name, 64).texture[None], (16, 16), mode="area")[0] for name in CLASSES]
    apart = [float((one - other).abs().mean()) for i, one in enumerate(small) for other in small[:i]]
    assert min(apart) > 0.01


def test_turning_left_is_turning_right_in_a_mirror():
    left, right = (artwork(f"turn {side}", 64).texture for side in ("left", "right"))
    assert float((left - right.flip(2)).abs().mean()) < 0.01
    assert float((left - right).abs().mean()) > 0.08


def test_the_stop_sign_is_an_octagon():
    sign = artwork("stop").sign
    assert len(sign.outline_cm) == 8
    assert sign.width_cm == pytest.approx(75, abs=0.01)
    assert sign.height_cm == pytest.approx(75, abs=0.01)


def test_another_name_is_answered_with_the_nearest():
    with pytest.raises(UsageError, match=r"'stopp' is not drawn: did you mean .*'stop'"):
        artwork("stopp")
