"""``folder:PATH``: one folder of image files a class."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
from PIL import Image

from robustkit.data.base import BrokenImageError, Data
from robustkit.errors import UsageError

EXTENSIONS = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})


class FolderSource:
    """Image files under a root."""

    as_is = False

    def __init__(self, root: Path, files: list[str]) -> None:
        self.root = root
        self.files = files

    def image(self, position: int) -> Image.Image:
        """Decode one file."""
        path = self.root / self.files[position]
        try:
            with Image.open(path) as image:
                image.load()
                return image
        # Pillow's decoders raise many kinds of error on a damaged file.
        except Exception as error:
            raise BrokenImageError(
                f"image {path} cannot be read ({error}): mend or remove it, or leave such files out with --skip-broken"
            ) from error

    def fingerprint(self) -> str:
        """The files' names and sizes."""
        digest = hashlib.sha256()
        for name in self.files:
            digest.update(f"{name}\0{os.stat(self.root / name).st_size}\n".encode())
        return digest.hexdigest()


def load_folder(path: str) -> Data:
    """Every image file under a folder, the first level of folders being the classes in sorted order.

    Raises
    ------
    UsageError
        If there is no such folder, or it holds no images, or none inside a class's folder.
    """
    root = Path(path).expanduser()
    if not root.is_dir():
        raise UsageError(f"data folder {path!r} does not exist: give a folder that holds one folder of images a class")
    classes = sorted(entry.name for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    files: list[str] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        found = _images(root, name)
        files += found
        labels += [label] * len(found)
    if not files:
        loose = sum(entry.suffix.lower() in EXTENSIONS for entry in root.iterdir())
        what = f"{loose} images but none in a class's folder" if loose else "no images"
        raise UsageError(f"data folder {path!r} holds {what}: put the images of each class into a folder of its own")
    return Data(FolderSource(root, files), np.asarray(labels), name=f"folder:{path}", classes=classes)


def _images(root: Path, of_class: str) -> list[str]:
    """Image files below one class's folder, relative to the root, sorted; each real folder is entered once."""
    found: list[str] = []
    seen: set[str] = set()
    for directory, inner, names in os.walk(root / of_class, followlinks=True):
        real = os.path.realpath(directory)
        if real in seen:
            inner.clear()
            continue
        seen.add(real)
        inner[:] = sorted(entry for entry in inner if not entry.startswith("."))
        images = (name for name in names if not name.startswith(".") and os.path.splitext(name)[1].lower() in EXTENSIONS)
        found += [os.path.relpath(os.path.join(directory, name), root) for name in images]
    return sorted(found)
