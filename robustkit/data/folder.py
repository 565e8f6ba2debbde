"""``folder:PATH``: one folder of image files per class."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence

import numpy as np

from robustkit.data.base import Data
from robustkit.data.decode import SUFFIXES
from robustkit.data.encoded import EncodedSource
from robustkit.data.files import Stream, Tree, brief, local_path, shown
from robustkit.data.reading import Reading
from robustkit.errors import UsageError

_SPLITS = frozenset({"dev", "test", "testing", "train", "training", "val", "valid", "validation"})


class FilesSource(EncodedSource):
    """Image files at paths relative to a root."""

    def __init__(self, tree: Tree, files: list[str], reading: Reading) -> None:
        super().__init__(reading)
        self.tree = tree
        self.files = files

    def __len__(self) -> int:
        return len(self.files)

    def open(self, position: int) -> Stream:
        """The image file."""
        return self.tree.open(self.files[position])

    def where(self, position: int) -> str:
        """The path of the image."""
        return f"image {shown(str(self.tree.root / self.files[position]))}"


def load_folder(path: str, reading: Reading | None = None) -> Data:
    """All image files below a folder, whose immediate subfolders are the classes in sorted order.

    Raises
    ------
    UsageError
        If the folder does not exist, has no images in class folders, contains splits of a data set instead of classes, or
        something in it leads out of it.
    """
    reading = reading or Reading()
    root = local_path(path, folder=True, expected="give a folder with one folder of images per class")
    tree = Tree(root, follow_links=reading.follow_links)
    top = tree.entries()
    files: list[str] = []
    labels: list[int] = []
    classes: list[str] = []
    empty: list[str] = []
    left_out: Counter[str] = Counter()
    for folder in (entry.name for entry in top if os.path.isdir(entry.path)):
        found = []
        for file in tree.walk(folder):
            suffix = os.path.splitext(file)[1].lower()
            if suffix in SUFFIXES:
                found.append(file)
            else:
                left_out[suffix or "no suffix"] += 1
        if not found:
            empty.append(folder)
            continue
        files += sorted(found)
        labels += [len(classes)] * len(found)
        classes.append(folder)
    if not files:
        loose = sum(os.path.splitext(entry.name)[1].lower() in SUFFIXES for entry in top)
        what = f"{loose} images but none in a class folder" if loose else "no images"
        raise UsageError(f"data folder {path!r} contains {what}: put the images of each class into a separate folder")
    _refuse_splits(path, classes, files)
    source = FilesSource(tree, files, reading)
    notes = [*_left_out(left_out), *_empty(empty), source.orientation_note()]
    return Data(
        source,
        np.asarray(labels),
        name=f"folder:{path}",
        classes=[shown(name) for name in classes],
        notes=[note for note in notes if note],
    )


def _refuse_splits(path: str, classes: Sequence[str], files: Sequence[str]) -> None:
    """Raise `UsageError` for a folder of ``train/``, ``val/`` and ``test/``, which is a data set and not three classes."""
    splits = [name for name in classes if name.lower() in _SPLITS]
    nested = all(file.count(os.sep) > 1 for file in files)
    if len(splits) > 1 or (splits == list(classes) and nested):
        one_of = ", ".join(f"folder:{os.path.join(path, name)}" for name in splits)
        raise UsageError(f"data folder {path!r} contains splits ({', '.join(splits)}), not classes: give one of {one_of}")


def _left_out(suffixes: Counter[str]) -> list[str]:
    if not suffixes:
        return []
    kinds = ", ".join(f"{count} {brief(shown(suffix), 20)}" for suffix, count in suffixes.most_common(8))
    more = ", …" if len(suffixes) > 8 else ""
    return [f"{suffixes.total()} files whose suffix is not one of images were skipped ({kinds}{more})."]


def _empty(folders: Sequence[str]) -> list[str]:
    if not folders:
        return []
    named = ", ".join(brief(shown(name), 40) for name in folders[:8]) + (", …" if len(folders) > 8 else "")
    return [f"Folders without images were ignored: {named}."]
