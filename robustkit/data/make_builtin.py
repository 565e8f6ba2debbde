"""Create ``builtin/fashion.npz`` from the original files: ``python -m robustkit.data.make_builtin RAW_DIR``.

RAW_DIR contains Fashion-MNIST's ``t10k-images-idx3-ubyte.gz`` and ``t10k-labels-idx1-ubyte.gz`` (Debian: package
``dataset-fashion-mnist``, folder /usr/share/datasets/fashion-mnist).
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import numpy as np

from robustkit.data.builtin_data import FOLDER

COUNT = 1000
CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip


def make(raw: Path) -> Path:
    """Write the first 1,000 test images with their labels and class names, compressed, and return the file's path."""
    with gzip.open(raw / "t10k-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(16 + COUNT * 28 * 28), np.uint8, offset=16).reshape(COUNT, 28, 28, 1)
    with gzip.open(raw / "t10k-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(8 + COUNT), np.uint8, offset=8)
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / "fashion.npz"
    np.savez_compressed(path, x=images, y=labels, classes=np.array(CLASSES))
    return path


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print(make(Path(sys.argv[1])))
