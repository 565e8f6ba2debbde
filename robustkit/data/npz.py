"""``npz:PATH[:split]``: arrays of images and labels in one NumPy archive."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from robustkit.data.base import Data
from robustkit.data.files import local_path, shown
from robustkit.data.labels import Labels, as_integers, from_names
from robustkit.data.npy import Archive
from robustkit.errors import RobustkitError, UsageError

SPLITS = ("test", "train", "val")
_PAIRS = (("x", "y"), ("images", "labels"), ("data", "labels"), ("data", "targets"), ("image", "label"))
_CLASS_NAMES = ("classes", "class_names", "names", "label_names")
#: Maximum number of bytes of labels or names.
_MOST_LABELS = 2**30


class NpzSource:
    """An array of images, memory-mapped unless it is small and compressed."""

    as_is = False

    def __init__(self, path: Path, images: NDArray[Any], channels_last: bool) -> None:
        self.path = path
        self.images = images
        self.channels_last = channels_last

    def image(self, position: int) -> Tensor:
        """The image, ``(C, H, W)``, uint8 or float32."""
        image = np.array(self.images[position])
        if image.ndim == 2:
            image = image[None]
        elif self.channels_last:
            image = np.ascontiguousarray(image.transpose(2, 0, 1))
        return torch.from_numpy(image if image.dtype == np.uint8 else image.astype(np.float32))

    def where(self, position: int) -> str:
        """The number of the image and the file."""
        return f"image {position} of {shown(str(self.path))}"

    def fingerprint(self, positions: Labels) -> str:
        """A digest of all values of these images."""
        digest = hashlib.sha256(f"{self.images.dtype.newbyteorder('=')}{self.images.shape[1:]}".encode())
        for position in positions:
            image = self.images[position]
            digest.update(np.ascontiguousarray(image, image.dtype.newbyteorder("=")).tobytes())
        return digest.hexdigest()


def load_npz(path: str) -> Data:
    """The images and labels of an archive, in arrays such as ``x`` and ``y``, or ``x_test`` and ``y_test``.

    Images are ``(N, H, W)``, ``(N, H, W, C)`` or ``(N, C, H, W)``, uint8 or floating point in [0, 1].

    Raises
    ------
    UsageError
        If the file or the arrays do not exist, or have the wrong shape or type.
    UnsafeFileError
        If an array needs pickle.
    """
    where, _, split = path.rpartition(":")
    split = split if where and split in SPLITS else ""
    file = local_path(where if split else path, folder=False, expected="give an .npz with arrays x and y")
    try:
        with closing(Archive(file)) as archive:
            return _read(archive, split, f"npz:{path}")
    except RobustkitError:
        raise
    # NumPy, zipfile and zlib raise many kinds of error on a damaged file.
    except Exception as error:
        cause = " ".join(str(error).split())[:300] or type(error).__name__
        raise UsageError(f"{shown(str(file))} cannot be read as an .npz file: {cause}") from error


def _read(archive: Archive, split: str, name: str) -> Data:
    file = archive.path
    x, y = _find_pair(file, archive.names, split)
    images, labels = archive.header(x), archive.header(y)
    if images.dtype != np.uint8 and images.dtype.kind != "f":
        raise UsageError(f"images {x!r} in {file} are {images.dtype}: store bytes (uint8), or floating point in [0, 1]")
    sides = images.shape
    if len(sides) not in (3, 4) or (len(sides) == 4 and 1 not in sides[1::2] and 3 not in sides[1::2]):
        raise UsageError(f"images {x!r} in {file} have shape {sides}: expected (N, H, W, C) or (N, C, H, W), C 1 or 3")
    count = labels.shape[0] if labels.shape else 1
    if sides[0] != count or not count:
        raise UsageError(
            f"{file} has {sides[0]} images in {x!r} and {count} labels in {y!r}: expected the same number, above 0"
        )
    if labels.shape not in ((count,), (count, 1)) or labels.dtype.kind not in "iuSU":
        raise UsageError(
            f"labels {y!r} in {file} have shape {labels.shape} and type {labels.dtype}: expected integers or names (N,)"
        )
    names = next((found for found in archive.names if found.lower() in _CLASS_NAMES), None)
    for each in (y, names):
        if each is not None and archive.header(each).nbytes > _MOST_LABELS:
            raise UsageError(f"array {each!r} in {file} takes {archive.header(each).nbytes / 1e9:.1f} GB: too much for labels")
    classes = None if names is None else [shown(text) for text in _text(archive.array(names)).ravel().tolist()]
    values, note = archive.array(y).reshape(count), None
    integers: Labels
    if labels.dtype.kind in "SU":
        found, codes = np.unique(_text(values), return_inverse=True)
        integers, classes, note = from_names([str(text) for text in found], codes, classes, f"labels {y!r} in {file}")
    else:
        integers = as_integers(values, f"labels {y!r} in {file}", count)
    source = NpzSource(file, archive.array(x), channels_last=len(sides) == 4 and sides[3] in (1, 3))
    return Data(source, integers, name=name, classes=classes, notes=[] if note is None else [note])


def _text(values: NDArray[Any]) -> NDArray[np.str_]:
    """Names as text; bytes are decoded as UTF-8."""
    return np.char.decode(values, "utf-8") if values.dtype.kind == "S" else values.astype(np.str_)


def _find_pair(file: Path, names: Iterable[str], split: str) -> tuple[str, str]:
    """The names of the image and label arrays; without a split, plain names are preferred to those of the test split."""
    by_name = {name.lower(): name for name in names}
    for wanted in [split] if split else ["", "test", "val"]:
        for x, y in _PAIRS:
            for pattern in ("{0}_{1}", "{1}_{0}") if wanted else ("{0}",):
                pair = pattern.format(x, wanted), pattern.format(y, wanted)
                if pair[0] in by_name and pair[1] in by_name:
                    return by_name[pair[0]], by_name[pair[1]]
    end = f"_{split}" if split else ""
    raise UsageError(f"{file} contains arrays {sorted(by_name.values())}: expected images and labels as x{end} and y{end}")
