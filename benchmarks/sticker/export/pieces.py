"""The connected pieces of a sticker: each is cut out and stuck on by itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from robustkit.errors import UsageError
from robustkit.physical.sticker import Sticker

#: Texels at least this opaque are printed: paper is either there or cut away.
OPAQUE = 0.5


@dataclass(frozen=True, eq=False)
class Piece:
    """A connected piece of a sticker's mask.

    Parameters
    ----------
    name
        S1, S2, … in reading order.
    colours
        (h, w, 3) uint8 over the piece's bounding box.
    mask
        (h, w) bool: the texels of this piece.
    row, column
        The texel of the sticker at the box's top left.
    pitch_mm
        Width and height of a texel.
    """

    name: str
    colours: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    row: int
    column: int
    pitch_mm: tuple[float, float]

    @property
    def width_mm(self) -> float:
        """Width of the bounding box."""
        return float(self.mask.shape[1] * self.pitch_mm[0])

    @property
    def height_mm(self) -> float:
        """Height of the bounding box."""
        return float(self.mask.shape[0] * self.pitch_mm[1])

    @property
    def left_mm(self) -> float:
        """Distance of the piece's left edge from the sign's."""
        return self.column * self.pitch_mm[0]

    @property
    def top_mm(self) -> float:
        """Distance of the piece's top edge from the sign's."""
        return self.row * self.pitch_mm[1]


def pieces(sticker: Sticker) -> list[Piece]:
    """The connected pieces of a sticker in reading order. Texels that touch only at a corner are not connected.

    Raises
    ------
    UsageError
        If the mask is empty.
    """
    opaque = sticker.alpha[0].detach().cpu().numpy() >= OPAQUE
    if not opaque.any():
        raise UsageError(f"the sticker for {sticker.sign.name!r} has an empty mask: give a mask that covers part of the sign")
    texture = sticker.texture.detach().cpu().clamp(0, 1).permute(1, 2, 0).numpy()
    colours = np.round(255 * texture).astype(np.uint8)
    height, width = opaque.shape
    pitch_mm = (10 * sticker.sign.width_cm / width, 10 * sticker.sign.height_cm / height)
    labels, _ = ndimage.label(opaque)
    return [
        Piece(f"S{k}", colours[box], labels[box] == k, box[0].start, box[1].start, pitch_mm)
        for k, box in enumerate(ndimage.find_objects(labels), 1)
    ]
