"""Render traffic signs that the project draws itself, with labels: no photograph, nothing downloaded.

``python -m robustkit.data.make_signs`` creates ``builtin/signs.npz``; ``python -m robustkit.data.make_signs runs/signs.npz``
creates images for training, of which none is shipped.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from robustkit.data.builtin_data import FOLDER
from robustkit.physical.drawing.catalogue import CLASSES
from robustkit.physical.drawing.photographs import photographs

TEST_COUNT, TEST_SEED = 1000, 1
TRAINING_COUNT, TRAINING_SEED = 24_000, 0
CHUNK = 800  #: a multiple of the number of classes


def make(path: Path, count: int, seed: int) -> Path:
    """Write `count` images with their labels and class names, compressed, and return the file's path."""
    parts = [photographs(first, min(CHUNK, count - first), seed) for first in range(0, count, CHUNK)]
    images, labels = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, x=images, y=labels.astype(np.uint8), classes=np.array(CLASSES))
    return path


def main() -> None:
    """Parse the arguments, write the images and print the file's path."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "path", type=Path, nargs="?", help="where images for training go; without it, the shipped ones are made"
    )
    parser.add_argument("--count", type=int, default=TRAINING_COUNT, help="number of images for training")
    arguments = parser.parse_args()
    if arguments.path is None:
        print(make(FOLDER / "signs.npz", TEST_COUNT, TEST_SEED))
    else:
        print(make(arguments.path, arguments.count, TRAINING_SEED))


if __name__ == "__main__":
    main()
