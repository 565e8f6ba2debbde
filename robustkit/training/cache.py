"""Images of a small training set are decoded in the first epoch and remembered for the others."""

from __future__ import annotations

from torch import Tensor
from torch.utils.data import Dataset

LIMIT = 512 * 2**20  #: bytes of images that are remembered; the rest is read anew in every epoch


class Remembered(Dataset[tuple[Tensor, int]]):
    """A map-style dataset that reads an item once, as long as there is room.

    Parameters
    ----------
    source
        A map-style dataset of (image, label) without randomness.
    limit
        The most bytes to keep.
    """

    def __init__(self, source: Dataset[tuple[Tensor, int]], limit: int = LIMIT) -> None:
        self.source, self.room = source, limit
        self.items: dict[int, tuple[Tensor, int]] = {}

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        if index in self.items:
            return self.items[index]
        image, label = self.source[index]
        self.room -= image.nbytes
        if self.room >= 0:
            self.items[index] = image, label
        return image, label
