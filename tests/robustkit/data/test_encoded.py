"""Encoded images wherever they lie: decoded, known by their bytes, and looked at for their orientation."""

import io

import numpy as np
import pytest
from PIL import Image

from robustkit.data.encoded import EncodedSource
from robustkit.data.reading import Reading
from robustkit.errors import UsageError


class Held(EncodedSource):
    """Encoded images in memory; an error in the place of one is raised."""

    def __init__(self, *files, exif=False):
        super().__init__(Reading(exif=exif))
        self.files, self.opened = files, []

    def __len__(self):
        return len(self.files)

    def open(self, position):
        if isinstance(self.files[position], Exception):
            raise self.files[position]
        self.opened.append(io.BytesIO(self.files[position]))
        return self.opened[-1]

    def where(self, position):
        return f"image {position}"


def png(shade, orientation=None):
    file, exif = io.BytesIO(), Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    pixels = np.full((2, 3), shade, np.uint8)
    pixels[0, 0] = 255
    Image.fromarray(pixels).save(file, "PNG", exif=exif)
    return file.getvalue()


def test_images_are_decoded_as_they_are_read_and_their_files_closed():
    source = Held(png(10), png(20, orientation=6))
    assert np.asarray(source.image(0)).tolist() == [[255, 10, 10], [10, 10, 10]]
    assert source.image(1).size == (3, 2)
    assert all(file.closed for file in source.opened)
    assert Held(png(20, orientation=6), exif=True).image(0).size == (2, 3)


def test_the_fingerprint_covers_the_bytes_in_use_and_how_they_are_read():
    one, other = Held(png(10), png(20), png(30)), Held(png(10), png(21), png(30))
    whole, outer = np.arange(3), np.array([0, 2])
    assert one.fingerprint(whole) != other.fingerprint(whole)
    assert one.fingerprint(outer) == other.fingerprint(outer) != one.fingerprint(outer[::-1])
    assert one.fingerprint(whole) != Held(*one.files, exif=True).fingerprint(whole)
    assert all(file.closed for file in one.opened)


def test_a_broken_image_has_a_place_in_the_fingerprint_and_a_refusal_ends_it():
    broken = Held(png(10), OSError("gone"))
    assert broken.fingerprint(np.arange(2)) != broken.fingerprint(np.arange(1))
    assert broken.orientation_note() is None
    refused = Held(png(10), UsageError("leads out of that folder"))
    for ask in (lambda: refused.fingerprint(np.arange(2)), refused.orientation_note):
        with pytest.raises(UsageError, match="leads out"):
            ask()


def test_images_that_are_stored_rotated_are_said_unless_they_are_rotated():
    source = Held(png(10), png(20, orientation=1), png(30, orientation=6), png(40, orientation=3))
    assert source.orientation_note().startswith("2 of 4 images checked have an EXIF orientation, which is not applied")
    assert Held(*source.files, exif=True).orientation_note() is None
    assert Held(png(10)).orientation_note() is None
    assert Held().orientation_note() is None


def test_a_hundred_images_are_looked_at_from_first_to_last():
    source = Held(*[png(1)] * 1000)
    looked = source.sampled(100)
    assert (looked[0], looked[-1], len(looked)) == (0, 999, 100)
    assert Held(png(1), png(2)).sampled(100).tolist() == [0, 1]
