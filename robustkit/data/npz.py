"""``npz:PATH[:split]``: arrays of images and labels in one NumPy archive."""

from __future__ import annotations

import hashlib
import os
import struct
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from robustkit.data.base import Data
from robustkit.errors import UnsafeFileError, UsageError

SPLITS = ("test", "train", "val")
_PAIRS = (("x", "y"), ("images", "labels"), ("data", "labels"), ("data", "targets"), ("image", "label"))
_CLASS_NAMES = ("classes", "class_names", "names", "label_names")


class NpzSource:
    """An array of images, read from disk where the archive is not compressed, else held once as it is stored."""

    as_is = False

    def __init__(self, path: Path, images: NDArray[Any], channels_last: bool) -> None:
        self.path = path
        self.images = images
        self.channels_last = channels_last

    def image(self, position: int) -> Tensor:
        """One image, ``(C, H, W)``, bytes or float32."""
        image = np.array(self.images[position])
        if image.ndim == 2:
            image = image[None]
        elif self.channels_last:
            image = np.ascontiguousarray(image.transpose(2, 0, 1))
        return torch.from_numpy(image if image.dtype == np.uint8 else image.astype(np.float32))

    def fingerprint(self) -> str:
        """The archive's bytes."""
        with open(self.path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def load_npz(path: str) -> Data:
    """Images and labels from an archive: arrays such as ``x`` and ``y``, or ``x_test`` and ``y_test``.

    Images are ``(N, H, W)``, ``(N, H, W, C)`` or ``(N, C, H, W)``: bytes, or floating point in [0, 1].

    Raises
    ------
    UsageError
        If the file or the arrays are not there, or are of the wrong shape or type.
    UnsafeFileError
        If an array needs pickle.
    """
    where, _, split = path.rpartition(":")
    file = Path(where if where and split in SPLITS else path).expanduser()
    split = split if where and split in SPLITS else ""
    if not file.is_file():
        raise UsageError(f"data file {str(file)!r} does not exist: give an .npz with arrays x and y")
    if not zipfile.is_zipfile(file):
        raise UsageError(f"{file} cannot be read as an .npz file: it is not an archive, or cut short")
    try:
        with np.load(file, allow_pickle=False) as archive:
            x, y = _find_pair(file, archive.files, split)
            labels = _labels(file, y, archive[y])
            names = next((name for name in archive.files if name.lower() in _CLASS_NAMES), None)
            classes = None if names is None else [str(name) for name in archive[names].tolist()]
        images = _open_member(file, x)
    except ValueError as error:
        if "allow_pickle" in str(error) or "Object arrays" in str(error):
            raise UnsafeFileError(f"{file} holds Python objects, which could run code when read: save plain arrays") from error
        if isinstance(error, UsageError):
            raise
        raise UsageError(f"{file} cannot be read as an .npz file: {error}") from error
    except (OSError, EOFError, KeyError, TypeError, AttributeError, zipfile.BadZipFile, struct.error) as error:
        raise UsageError(f"{file} cannot be read as an .npz file: {error}") from error
    if images.dtype != np.uint8 and images.dtype.kind != "f":
        raise UsageError(f"images {x!r} in {file} are {images.dtype}: store bytes (uint8), or floating point in [0, 1]")
    if images.ndim not in (3, 4) or (images.ndim == 4 and 1 not in images.shape[1::2] and 3 not in images.shape[1::2]):
        raise UsageError(f"images {x!r} in {file} have shape {images.shape}: expected (N, H, W, C) or (N, C, H, W), C 1 or 3")
    if len(images) != len(labels) or not len(images):
        raise UsageError(
            f"{file} has {len(images)} images in {x!r} and {len(labels)} labels in {y!r}: expected as many, above 0"
        )
    source = NpzSource(file, images, channels_last=images.ndim == 4 and images.shape[3] in (1, 3))
    return Data(source, labels, name=f"npz:{path}", classes=classes)


def _find_pair(file: Path, names: Iterable[str], split: str) -> tuple[str, str]:
    """The arrays of images and labels; without a split asked for, plain names come before those of the test split."""
    by_name = {name.lower(): name for name in names}
    for wanted in [split] if split else ["", "test", "val"]:
        for x, y in _PAIRS:
            for pattern in ("{0}_{1}", "{1}_{0}") if wanted else ("{0}",):
                pair = pattern.format(x, wanted), pattern.format(y, wanted)
                if pair[0] in by_name and pair[1] in by_name:
                    return by_name[pair[0]], by_name[pair[1]]
    end = f"_{split}" if split else ""
    raise UsageError(f"{file} holds arrays {sorted(by_name.values())}: expected images and labels as x{end} and y{end}")


def _labels(file: Path, name: str, labels: NDArray[Any]) -> NDArray[np.int64]:
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise UsageError(f"labels {name!r} in {file} have shape {labels.shape} and type {labels.dtype}: expected integers (N,)")
    return labels.astype(np.int64)


def _open_member(file: Path, name: str) -> NDArray[Any]:
    """An array of the archive, mapped from disk if it is stored uncompressed."""
    with zipfile.ZipFile(file) as archive:
        member = archive.getinfo(f"{name}.npy")
        if member.compress_type == zipfile.ZIP_STORED and not member.flag_bits & 1:
            with archive.open(member) as stream:
                version = np.lib.format.read_magic(stream)
                read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                shape, fortran, dtype = read(stream)
                inside = stream.tell()
            if dtype.hasobject:
                raise ValueError("Object arrays need pickle")
            with open(file, "rb") as raw:
                # The lengths in the local header may differ from those in the archive's directory.
                raw.seek(member.header_offset + 26)
                name_length, extra_length = struct.unpack("<HH", raw.read(4))
            start = member.header_offset + 30 + name_length + extra_length + inside
            if start + dtype.itemsize * int(np.prod(shape, dtype=np.int64)) > os.path.getsize(file):
                raise ValueError(f"array {name!r} is cut short")
            return np.memmap(file, dtype, "r", start, shape, "F" if fortran else "C")
    with np.load(file, allow_pickle=False) as arrays:
        array: NDArray[Any] = arrays[name]
        return array
