import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robustkit.errors import UsageError
from robustkit.physical.sign import Sign, load_sign


def test_an_outline_is_centred_on_its_bounding_box():
    sign = Sign("yield", ((0, 0), (90, 0), (45, 78)))
    assert sign.outline_cm == ((-45, -39), (45, -39), (0, 39))
    assert (sign.width_cm, sign.height_cm, sign.area_cm2) == (90, 78, 3510)


def test_shapes():
    stop = Sign.regular("stop", 8, 76.2)
    assert stop.width_cm == pytest.approx(76.2)
    assert stop.height_cm == pytest.approx(76.2)
    assert stop.area_cm2 == pytest.approx(2 * (math.sqrt(2) - 1) * 76.2**2)
    assert sum(y == pytest.approx(38.1) for _, y in stop.outline_cm) == 2  # it stands on a side
    assert Sign.regular("danger", 3, 90).height_cm == pytest.approx(90 * math.sqrt(3) / 2)
    assert sum(y > 0 for _, y in Sign.regular("yield", 3, 90, rotation_deg=180).outline_cm) == 1
    assert Sign.circle("no entry", 60).area_cm2 == pytest.approx(math.pi * 30**2, rel=0.002)
    assert Sign.rectangle("way", 30, 20).outline_cm == ((-15, -10), (15, -10), (15, 10), (-15, 10))


@given(st.integers(3, 40), st.floats(1, 500), st.floats(0, 360))
def test_the_width_of_a_regular_sign_is_the_one_given(sides, width, rotation):
    assert Sign.regular("any", sides, width, rotation).width_cm == pytest.approx(width, rel=0.5 if sides < 5 else 0.1)


def test_a_raster_has_about_square_texels_and_covers_the_area():
    sign = Sign.rectangle("way", 60, 40)
    assert sign.shape(96) == (64, 96)
    assert sign.coverage((64, 96)).unique().tolist() == [1]
    stop = Sign.regular("stop", 8, 76.2)
    assert stop.coverage((64, 64)).mean().item() == pytest.approx(stop.area_cm2 / 76.2**2, rel=1e-6)


@pytest.mark.parametrize(
    ("outline", "message"),
    [
        (((0, 0), (1, 1)), "encloses no area"),
        (((0, 0), (1, 1), (2, 2)), "encloses no area"),
        (((0, 0), (1, 1), (2, math.nan)), "encloses no area"),
        (((0, 0), (2, 2), (2, 0), (0, 1)), "crosses itself"),
        ("stop", "not a list of corners"),
        (7, "not a list of corners"),
    ],
)
def test_an_invalid_outline_is_one_sentence(outline, message):
    with pytest.raises(UsageError, match=message):
        Sign("bad", outline)


def write(tmp_path, text):
    path = tmp_path / "my stop.toml"
    path.write_text(text)
    return path


def test_a_file_with_an_outline(tmp_path):
    path = write(tmp_path, "outline_cm = [[0, 0], [90, 0], [45, 78.0]]\n")
    assert load_sign(path) == Sign("my stop", ((0, 0), (90, 0), (45, 78)))


def test_files_with_shapes(tmp_path):
    assert load_sign(write(tmp_path, 'name = "stop"\nshape = "regular"\nsides = 8\nwidth_cm = 76.2\n')) == Sign.regular(
        "stop", 8, 76.2
    )
    way = 'name = "way"\nshape = "rectangle"\nwidth_cm = 3\nheight_cm = 2\n'
    assert load_sign(write(tmp_path, way)) == Sign.rectangle("way", 3, 2)
    assert load_sign(write(tmp_path, 'name = "no"\nshape = "circle"\nwidth_cm = 60\n')) == Sign.circle("no", 60)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("outline_cm = [", "not valid TOML"),
        ("outline = [[0, 0], [1, 0], [0, 1]]", "'outline' is unknown for shape 'polygon': did you mean 'outline_cm'"),
        ("name = 3", "name 3 must be a text"),
        ('shape = "regular"\nsides = 8', "shape 'regular' needs width_cm"),
        ('shape = "octagon"', "shape 'octagon' is unknown"),
        ('shape = "regular"\nsides = 8.5\nwidth_cm = 3', "sides=8.5"),
        ('shape = "regular"\nsides = 8\nwidth_cm = -3', "width_cm=-3 must be a length above 0"),
        ('shape = "circle"\nwidth_cm = "60"', "width_cm='60' must be a length above 0"),
        ("outline_cm = [[0, 0], [1]]", "not a list of corners"),
    ],
)
def test_an_invalid_file_is_one_sentence_that_names_it(tmp_path, text, message):
    path = write(tmp_path, text)
    with pytest.raises(UsageError, match="my stop") as raised:
        load_sign(path)
    assert message in str(raised.value)


def test_a_missing_file(tmp_path):
    with pytest.raises(UsageError, match=r"none\.toml cannot be read: No such file"):
        load_sign(tmp_path / "none.toml")
