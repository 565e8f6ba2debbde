import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from robustkit.errors import UsageError
from robustkit.physical import Sign
from robustkit.physical.masks import area_share, from_png, from_polygons, from_rectangles, load_mask

STOP = Sign.regular("stop", 8, 76.2)
BOARD = Sign.rectangle("board", 64, 64)


def test_rectangles_on_whole_texels():
    alpha = from_rectangles(BOARD, [(-32, -32, 16, 32), (0, 0, 16, 16)], (4, 4))
    assert alpha.tolist() == [[[1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]]
    assert area_share(alpha, BOARD) == 3 / 16


def test_a_rectangle_that_covers_half_a_texel_is_half_opaque():
    assert from_rectangles(BOARD, [(-16, -32, 24, 16)], (4, 4))[0, 0].tolist() == [0, 1, 0.5, 0]


def test_overlaps_count_once():
    alpha = from_rectangles(BOARD, [(-32, -32, 32, 32), (-16, -32, 32, 32)], (4, 4))
    assert area_share(alpha, BOARD) == 3 / 8


def test_polygons():
    triangle = from_polygons(BOARD, [((-32, -32), (32, 32), (-32, 32))], (64, 64))
    assert area_share(triangle, BOARD) == pytest.approx(0.5, abs=1e-6)
    whole = from_polygons(STOP, [STOP.outline_cm], (96, 96))
    assert torch.equal(whole, STOP.coverage((96, 96)))
    assert area_share(whole, STOP) == pytest.approx(1, abs=1e-6)


@settings(deadline=None)
@given(st.floats(-25, 5), st.floats(-25, 5), st.floats(4, 20), st.floats(4, 20))
def test_the_area_is_that_of_the_rectangle(left, top, width, height):
    alpha = from_rectangles(BOARD, [(left, top, width, height)], (64, 64))
    assert area_share(alpha, BOARD) * 64 * 64 == pytest.approx(width * height, rel=1e-5)


@pytest.mark.parametrize(
    ("rectangle", "outside"),
    [
        ((33.1, -10, 10, 10), 50),  # over the right edge, which is that of the raster too
        ((20, 20, 10, 10), (60 - 53.88) ** 2 / 2),  # a triangle beyond the diagonal x + y = 53.88
        ((200, 100, 10, 10), 100),
    ],
)
def test_a_mask_outside_the_sign_says_how_much(rectangle, outside):
    with pytest.raises(UsageError, match="rectangle 2 of the mask lies outside the sign 'stop'") as raised:
        from_rectangles(STOP, [(-5, -5, 10, 10), rectangle], (128, 128))
    told = re.search(r"by (.*) cm² of its 100 cm² \((.*)%\): move it", str(raised.value))
    assert [float(told[1]), float(told[2])] == pytest.approx([outside, outside], abs=0.3)


@pytest.mark.parametrize(
    ("rectangles", "message"),
    [
        ([], "at least one rectangle"),
        ([(1, 2, 3)], r"rectangle \(1, 2, 3\) must be \[left, top, width, height\]"),
        ([(0, 0, -1, 2)], "with sizes above 0"),
        ([(0, 0, math.nan, 2)], "with sizes above 0"),
    ],
)
def test_invalid_rectangles(rectangles, message):
    with pytest.raises(UsageError, match=message):
        from_rectangles(STOP, rectangles, (8, 8))


def test_invalid_polygons():
    with pytest.raises(UsageError, match="crosses itself"):
        from_polygons(STOP, [((0, 0), (2, 2), (2, 0), (0, 1))], (8, 8))


def png(tmp_path, pixels, **options):
    path = tmp_path / "stickers.png"
    Image.fromarray(np.asarray(pixels, dtype=np.uint8), **options).save(path)
    return path


SQUARE = np.zeros((32, 32), dtype=np.uint8)
SQUARE[8:12, 10:20] = 255


def test_a_black_and_white_picture(tmp_path):
    path = png(tmp_path, SQUARE)
    assert torch.equal(from_png(STOP, path), torch.from_numpy(SQUARE == 255)[None].float())
    colours = png(tmp_path, np.repeat(SQUARE[..., None], 3, 2))
    assert area_share(from_png(STOP, colours), STOP) == pytest.approx(40 / 1024 * 76.2**2 / STOP.area_cm2)


def test_another_raster_keeps_the_area(tmp_path):
    path = png(tmp_path, SQUARE)
    for shape in ((16, 16), (24, 24), (64, 64)):
        alpha = from_png(BOARD, path, shape)
        assert alpha.shape == (1, *shape)
        assert area_share(alpha, BOARD) == pytest.approx(40 / 1024, rel=0.01)


def test_stray_greys_are_counted_and_named(tmp_path):
    stray = SQUARE.copy()
    stray[20, 10:13] = 1
    stray[21, 10:14] = 128
    path = png(tmp_path, stray)
    with pytest.raises(
        UsageError, match=r"has 7 pixels that are neither black nor white \(values 1, 128\): give a threshold"
    ) as raised:
        from_png(STOP, path)
    assert str(path) in str(raised.value)
    assert from_png(STOP, path, threshold=200).sum() == 40
    assert from_png(STOP, path, threshold=128).sum() == 44
    with pytest.raises(UsageError, match="threshold=256"):
        from_png(STOP, path, threshold=256)


def test_a_picture_of_the_outline_is_trimmed_to_it(tmp_path):
    octagon = (STOP.coverage((32, 32))[0] > 0).numpy() * 255
    alpha = from_png(STOP, png(tmp_path, octagon))
    assert torch.equal(alpha, STOP.coverage((32, 32)))


def test_a_picture_outside_the_sign(tmp_path):
    with pytest.raises(UsageError, match=r"lies outside the sign 'stop' by .* cm² of its .* cm² \(17.*%\)"):
        from_png(STOP, png(tmp_path, np.full((64, 64), 255)))


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.zeros((8, 8)), "no pixel of at least 255"),
        (np.tile([[[255, 0, 0]]], (8, 8, 1)), r"64 pixels that are neither black nor white \(colours\)"),
        (np.tile([[[0, 2, 1]]], (8, 8, 1)), r"64 pixels that are neither black nor white \(values 1, 2\)"),
        (np.tile([[[255, 255, 255, 0]]], (8, 8, 1)), "transparent in places"),
    ],
)
def test_pictures_that_are_no_masks(tmp_path, pixels, message):
    with pytest.raises(UsageError, match=message):
        from_png(STOP, png(tmp_path, pixels))


def test_files_that_are_no_pictures(tmp_path):
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        from_png(STOP, tmp_path / "none.png")
    (tmp_path / "text.png").write_text("text")
    with pytest.raises(UsageError, match=r"text\.png cannot be read"):
        from_png(STOP, tmp_path / "text.png")


def test_a_file_of_rectangles_and_polygons(tmp_path):
    path = tmp_path / "stickers.toml"
    path.write_text("rectangles_cm = [[-32, -32, 16, 32]]\npolygons_cm = [[[0, 0], [16.0, 0], [16, 16], [0, 16]]]\n")
    alpha = load_mask(path, BOARD, (4, 4))
    assert alpha.tolist() == [[[1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]]
    assert load_mask(png(tmp_path, SQUARE), STOP, (32, 32)).sum() == 40


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rectangle_cm = [[0, 0, 1, 1]]", "'rectangle_cm' is unknown: did you mean 'rectangles_cm'"),
        ("", "neither rectangles_cm nor polygons_cm"),
        ("rectangles_cm = 3", "rectangles_cm 3 must be a list"),
        ("rectangles_cm = [3]", r"rectangle 3 must be"),
        ('rectangles_cm = [["a", 0, 1, 1]]', r"rectangle \['a', 0, 1, 1\] must be"),
        ("polygons_cm = [[3]]", r"polygon 1 of the mask \[3\] is not a list of corners"),
        ("polygons_cm = [[[50, 0], [60, 0], [50, 5]]]", "lies outside the sign 'stop' by 25 cm²"),
        ("rectangles_cm = [", "not valid TOML"),
    ],
)
def test_an_invalid_file_is_one_sentence_that_names_it(tmp_path, text, message):
    path = tmp_path / "stickers.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=message) as raised:
        load_mask(path, STOP, (8, 8))
    assert str(path) in str(raised.value)


def test_a_threshold_is_for_pictures(tmp_path):
    path = tmp_path / "stickers.toml"
    path.write_text("rectangles_cm = [[0, 0, 1, 1]]")
    with pytest.raises(UsageError, match="threshold=128 is for a mask that is a picture"):
        load_mask(path, STOP, (8, 8), threshold=128)
