"""Encoded images become pixels."""

import io
import subprocess
import warnings

import numpy as np
import pytest
import torch
from PIL import Image

from robustkit.data.decode import decode, formats, orientation, plain, without_ghostscript
from robustkit.data.prepare import prepare
from robustkit.spec import InputSpec

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n"


def encoded(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    file.seek(0)
    return file


@pytest.mark.parametrize("kind", formats())
def test_every_format_named_is_read(kind):
    image = decode(encoded(Image.new("RGB", (4, 3), (255, 0, 0)), kind))
    assert prepare(image, InputSpec()).shape == (3, 3, 4)


def test_postscript_named_png_starts_nothing(monkeypatch):
    def started(*args, **kwargs):
        raise AssertionError("a program was started")

    monkeypatch.setattr(subprocess, "check_call", started)
    monkeypatch.setattr(subprocess, "Popen", started)
    with pytest.raises(ValueError, match="in one of the formats PNG, JPEG"):
        decode(io.BytesIO(EPS))


def test_postscript_starts_nothing_where_another_library_opens_it():
    with without_ghostscript(), Image.open(io.BytesIO(EPS)) as image, pytest.raises(OSError, match="Ghostscript"):
        image.load()


def test_a_git_lfs_pointer_is_said_to_be_one():
    with pytest.raises(ValueError, match="git lfs pull"):
        decode(io.BytesIO(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n"))


def test_a_large_image_is_refused_and_not_only_warned_about(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)
    for side in (11, 20):
        with pytest.raises((ValueError, Image.DecompressionBombError), match="decompression bomb"):
            decode(encoded(Image.new("L", (side, side))))


def test_floating_point_in_the_unit_interval_keeps_its_values():
    values = np.array([[0.25, 1.0], [0.0, 0.5]], dtype=np.float32)
    image = decode(encoded(Image.fromarray(values), "TIFF"))
    assert torch.equal(prepare(image, InputSpec(3)), torch.from_numpy(values).expand(3, 2, 2))
    for wrong in (values * 255, values - 1, values * np.nan):
        with pytest.raises(ValueError, match=r"scale them to \[0, 1\]"):
            decode(encoded(Image.fromarray(wrong), "TIFF"))


def test_wide_integers_are_scaled_by_their_range_or_refused():
    sixteen = np.array([[0, 257 * 100, 65535]], dtype=np.uint16)
    for kind in ("PNG", "PPM", "TIFF"):
        assert np.asarray(decode(encoded(Image.fromarray(sixteen), kind))).tolist() == [[0, 100, 255]]
    assert np.asarray(plain(Image.fromarray(np.array([[0, 200]], dtype=np.int32)))).tolist() == [[0, 200]]
    with pytest.raises(ValueError, match="32-bit integers span 0 to 70000"):
        plain(Image.fromarray(np.array([[0, 70000]], dtype=np.int32)))


def test_an_image_without_pixels_or_of_an_absurd_shape_is_refused():
    with pytest.raises(ValueError, match="no pixels"):
        prepare(Image.new("RGB", (5, 0)), InputSpec())
    with pytest.raises(ValueError, match="no pixels"):
        prepare(torch.zeros(3, 0, 4), InputSpec(3, (2, 2)))
    with pytest.raises(ValueError, match="too large"):
        prepare(Image.new("L", (60_000, 1)), InputSpec(1, (256, 256), resize=256))


def test_the_orientation_is_applied_on_request():
    image = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4))
    exif = Image.Exif()
    exif[0x0112] = 6
    file = encoded(image, exif=exif)
    assert orientation(file) == 6
    assert orientation(io.BytesIO(b"junk")) == 1
    assert decode(file).size == (4, 3)
    file.seek(0)
    turned = decode(file, exif=True)
    assert np.array_equal(np.asarray(turned), np.rot90(np.asarray(image), -1))
