"""Images kept as encoded files, wherever those lie: what folders, indices and archives share."""

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

#: Images whose EXIF orientation is looked at.
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
        """What holds one image, at its beginning. Raises any error if it cannot be read."""

    @abstractmethod
    def where(self, position: int) -> str:
        """What to call one image in a message."""

    def image(self, position: int) -> Image.Image | Tensor:
        """Decode one image."""
        with closing(self.open(position)) as file:
            return decode(file, exif=self.reading.exif)

    def fingerprint(self, positions: Labels) -> str:
        """The bytes of these images, and how they are read."""
        digest = hashlib.sha256(f"exif={self.reading.exif}".encode())
        for position in positions:
            try:
                with closing(self.open(int(position))) as file:
                    digest.update(hashlib.file_digest(file, "sha256").digest())
            except UsageError:
                raise
            except Exception:  # a broken image: named when it is decoded
                digest.update(b"broken")
        return digest.hexdigest()

    def orientation_note(self) -> str | None:
        """A sentence if images are stored rotated and are not rotated upright; a hundred are looked at."""
        if self.reading.exif or not len(self):
            return None
        looked = self.sampled(_LOOK)
        turned = sum(self._orientation(int(position)) != 1 for position in looked)
        if not turned:
            return None
        return (
            f"{turned} of {len(looked)} images looked at have an EXIF orientation, which is not applied: --exif (exif=True) "
            "rotates them upright."
        )

    def sampled(self, most: int) -> NDArray[np.int64]:
        """Positions of some images, which are quickly read."""
        return np.unique(np.linspace(0, len(self) - 1, most).round().astype(np.int64))

    def _orientation(self, position: int) -> int:
        try:
            with closing(self.open(position)) as file:
                return orientation(file)
        except UsageError:
            raise
        except Exception:  # a broken image: named when it is decoded
            return 1
