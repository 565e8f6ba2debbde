"""A cache of decoded training images, filled in the first epoch."""

from __future__ import annotations

from torch import Tensor
from torch.utils.data import Dataset

LIMIT = 512 * 2**20  #: maximum bytes of cached images; all others are read again in every epoch


class Remembered(Dataset[tuple[Tensor, int]]):
    """A map-style dataset that caches items up to a size limit.

    Parameters
    ----------
    source
        A map-style dataset of (image, label) without randomness.
    limit
        Maximum number of bytes to cache.
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
