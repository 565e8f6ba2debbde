"""Decoding of images, by Pillow's own decoders for a few formats."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from PIL import EpsImagePlugin, Image, ImageOps, UnidentifiedImageError, features
from torch import Tensor

from robustkit.data.files import Stream

#: File suffixes that count as images.
SUFFIXES = (
    *(".apng", ".avif", ".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".pbm", ".pfm", ".pgm", ".png", ".pnm", ".ppm"),
    *(".tif", ".tiff", ".webp"),
)
_ORIENTATION = 0x0112
_LFS = b"version https://git-lfs.github.com/spec/"


@functools.cache
def formats() -> tuple[str, ...]:
    """The formats that are decoded. Pillow supports others, such as EPS, for which it would start Ghostscript."""
    optional = [name.upper() for name in ("webp", "avif") if features.check(name)]
    return ("PNG", "JPEG", "BMP", "GIF", "PPM", "TIFF", *optional)


def decode(file: Stream, *, exif: bool = False) -> Image.Image | Tensor:
    """The decoded image.

    Parameters
    ----------
    file
        The encoded image, positioned at its start.
    exif
        Whether to apply the EXIF orientation.

    Returns
    -------
    A PIL image with bytes as values, or a float32 tensor ``(1, H, W)`` in [0, 1] for a floating-point image.

    Raises
    ------
    Exception
        Of any kind, because decoders raise many on damaged files.
    """
    image = _identify(file)
    most = Image.MAX_IMAGE_PIXELS
    if most is not None and image.width * image.height > most:  # Pillow itself only warns up to twice as many
        raise ValueError(f"it has {image.width}x{image.height} pixels, more than {most}: a decompression bomb, or too large")
    image.load()
    return plain(ImageOps.exif_transpose(image) if exif else image)


def orientation(file: Stream) -> int:
    """The EXIF orientation of an image, 1 if there is none or it cannot be read."""
    try:
        return int(_identify(file).getexif().get(_ORIENTATION, 1))
    except Exception:  # such files are reported when they are decoded
        return 1


@contextmanager
def without_ghostscript() -> Iterator[None]:
    """A context in which other libraries open images without starting Ghostscript for EPS files."""
    before = EpsImagePlugin.gs_binary
    EpsImagePlugin.gs_binary = False
    try:
        yield
    finally:
        EpsImagePlugin.gs_binary = before


def plain(image: Image.Image) -> Image.Image | Tensor:
    """The image with values as bytes, or floating point in [0, 1]; Pillow would clip other values instead of scaling them.

    Raises
    ------
    ValueError
        If it has no pixels, or an unknown range of values.
    """
    if 0 in image.size:
        raise ValueError(f"it has no pixels: {image.width}x{image.height}")
    if image.mode == "F":
        values = np.array(image, dtype=np.float32)
        if not (values.min() >= 0 and values.max() <= 1):
            raise ValueError(
                f"its floating-point values span {values.min():g} to {values.max():g}: scale them to [0, 1], or store bytes"
            )
        return torch.from_numpy(values)[None]
    if image.mode.startswith("I"):
        values = np.asarray(image)
        if image.mode.startswith("I;16") or image.format in ("PNG", "PPM"):
            return Image.fromarray((values // 257).astype(np.uint8))
        if values.min() < 0 or values.max() > 255:
            raise ValueError(f"its 32-bit integers span {values.min()} to {values.max()}: store 8 or 16 bits")
        return Image.fromarray(values.astype(np.uint8))
    return image


def _identify(file: Stream) -> Image.Image:
    try:
        return Image.open(file, formats=formats())
    except UnidentifiedImageError:
        file.seek(0)
        if file.read(len(_LFS)) == _LFS:
            raise ValueError("it is a Git LFS pointer, not the image: run git lfs pull") from None
        raise ValueError(f"it is not an image in one of the formats {', '.join(formats())}") from None
