"""The base class of sources with encoded images: folders, tables and archives."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from contextlib import closing

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from robustkit.data.decode import decode, orientation
from robustkit.data.files import Stream
from robustkit.data.labels import Labels
from robustkit.data.reading import Reading
from robustkit.errors import UsageError

#: Number of images whose EXIF orientation is checked.
_LOOK = 100


class EncodedSource(ABC):
    """Encoded images by position."""

    as_is = False

    def __init__(self, reading: Reading) -> None:
        self.reading = reading

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def open(self, position: int) -> Stream:
        """The encoded image, positioned at its start. Raises any error if it cannot be read."""

    @abstractmethod
    def where(self, position: int) -> str:
        """A description of the image for messages."""

    def image(self, position: int) -> Image.Image | Tensor:
        """The decoded image."""
        with closing(self.open(position)) as file:
            return decode(file, exif=self.reading.exif)

    def fingerprint(self, positions: Labels) -> str:
        """A digest of the bytes of these images and the reading options."""
        digest = hashlib.sha256(f"exif={self.reading.exif}".encode())
        for position in positions:
            try:
                with closing(self.open(int(position))) as file:
                    digest.update(hashlib.file_digest(file, "sha256").digest())
            except UsageError:
                raise
            except Exception:  # a broken image, reported when it is decoded
                digest.update(b"broken")
        return digest.hexdigest()

    def orientation_note(self) -> str | None:
        """A sentence if some of a hundred images have an EXIF orientation that is not applied; else None."""
        if self.reading.exif or not len(self):
            return None
        checked = self.sampled(_LOOK)
        rotated = sum(self._orientation(int(position)) != 1 for position in checked)
        if not rotated:
            return None
        return (
            f"{rotated} of {len(checked)} images checked have an EXIF orientation, which is not applied: use --exif (exif=True) "
            "to rotate them upright."
        )

    def sampled(self, most: int) -> NDArray[np.int64]:
        """Positions of some images that can be read quickly."""
        return np.unique(np.linspace(0, len(self) - 1, most).round().astype(np.int64))

    def _orientation(self, position: int) -> int:
        try:
            with closing(self.open(position)) as file:
                return orientation(file)
        except UsageError:
            raise
        except Exception:  # a broken image, reported when it is decoded
            return 1
