"""What is printed in one go: a whole piece, or one tile of a piece that is larger than a sheet."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from robustkit.benchmarks.sticker.export.outline import loops
from robustkit.benchmarks.sticker.export.pieces import Piece
from robustkit.errors import UsageError

#: The least that a tile must show beyond its overlap for tiling to make sense.
LEAST_TILE_MM = 20.0
#: The largest pixel of an image in a document: where a viewer smooths images, it blurs a texel's edge by less than this.
DOT_MM = 25.4 / 150

Span = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Part:
    """A rectangle of a piece, in dots: every texel is printed as `dots` dots across and down.

    Parameters
    ----------
    piece
        The piece it belongs to.
    dots
        Dots of a texel, across and down.
    across, down
        First and last (exclusive) dot.
    tile
        Row and column among the tiles from 1, or None for a whole piece.
    join
        Where the next tile to the right and the next below begin, in dots of the piece, or None without one.
    """

    piece: Piece
    dots: tuple[int, int]
    across: Span
    down: Span
    tile: tuple[int, int] | None = None
    join: tuple[int | None, int | None] = (None, None)

    @property
    def name(self) -> str:
        """The piece's name, with the tile's row and column."""
        return self.piece.name if self.tile is None else f"{self.piece.name} row {self.tile[0]} column {self.tile[1]}"

    @property
    def dot_mm(self) -> tuple[float, float]:
        """Width and height of a dot."""
        return self.piece.pitch_mm[0] / self.dots[0], self.piece.pitch_mm[1] / self.dots[1]

    @property
    def width_mm(self) -> float:
        """Width on paper."""
        return (self.across[1] - self.across[0]) * self.dot_mm[0]

    @property
    def height_mm(self) -> float:
        """Height on paper."""
        return (self.down[1] - self.down[0]) * self.dot_mm[1]

    @property
    def joins_mm(self) -> tuple[float | None, float | None]:
        """Where the next tile to the right and the next below begin, from this part's left and top."""
        starts = (self.across[0], self.down[0])
        x, y = (None if at is None else (at - start) * mm for at, start, mm in zip(self.join, starts, self.dot_mm, strict=True))
        return x, y

    def mask(self) -> NDArray[np.bool_]:
        """The texels of the piece that this part shows, some of them in part."""
        (left, right), (top, bottom), (wide, high) = self.across, self.down, self.dots
        return self.piece.mask[top // high : -(-bottom // high), left // wide : -(-right // wide)]

    def image(self) -> NDArray[np.uint8]:
        """(h, w, 4) colours, one pixel a dot, transparent beside the piece."""
        rows, columns = np.arange(*self.down) // self.dots[1], np.arange(*self.across) // self.dots[0]
        opaque = np.where(self.piece.mask, np.uint8(255), np.uint8(0))[..., None]
        return np.concatenate([self.piece.colours, opaque], axis=2)[np.ix_(rows, columns)]

    def outline_mm(self) -> list[NDArray[np.float64]]:
        """Loops of (x, y) to cut along, from this part's left and top; each ends where it starts."""
        low, high = (self.across[0], self.down[0]), (self.across[1], self.down[1])
        first = (low[0] // self.dots[0], low[1] // self.dots[1])
        corners = [(np.array([*loop, loop[0]]) + first) * self.dots for loop in loops(self.mask())]
        # A tile may end within a texel.
        return [(np.clip(each, low, high) - low) * self.dot_mm for each in corners]


def dots_of(pitch_mm: float) -> int:
    """Dots of a texel such that none is larger than `DOT_MM`: at least 1."""
    return max(1, math.ceil(pitch_mm / DOT_MM - 1e-9))


def parts(piece: Piece, width_mm: float, height_mm: float, overlap_mm: float) -> list[Part]:
    """The whole piece if it fits into this width and height, else tiles of it that overlap; tiles without any texel are left out.

    Raises
    ------
    UsageError
        If the overlap leaves too little of a tile.
    """
    dots = (dots_of(piece.pitch_mm[0]), dots_of(piece.pitch_mm[1]))
    axes = []
    for size_mm, most_mm, texels, pitch, k in zip(
        (piece.width_mm, piece.height_mm), (width_mm, height_mm), piece.mask.shape[::-1], piece.pitch_mm, dots, strict=True
    ):
        if size_mm > most_mm and most_mm - overlap_mm < LEAST_TILE_MM:
            raise UsageError(
                f"piece {piece.name} is {piece.width_mm:.1f} mm by {piece.height_mm:.1f} mm, which fits no sheet and cannot be tiled, "
                f"because an overlap of {overlap_mm:g} mm leaves less than {LEAST_TILE_MM:g} mm of the {most_mm:.1f} mm for a tile: "
                "choose larger paper, or a smaller overlap or margin"
            )
        # Up to a thousandth of a dot is rounding of the sizes, not a reason for another sheet.
        most, overlap = math.floor(most_mm * k / pitch + 1e-3), math.ceil(overlap_mm * k / pitch)
        axes.append(spans(texels * k, most, overlap))
    across, down = axes
    if len(across) == len(down) == 1:
        return [Part(piece, dots, across[0], down[0])]
    tiles = {
        (row, column): Part(piece, dots, wide, high, (row, column))
        for row, high in enumerate(down, 1)
        for column, wide in enumerate(across, 1)
    }
    tiles = {at: part for at, part in tiles.items() if part.mask().any()}
    return [
        replace(
            part,
            join=(
                across[column][0] if (row, column + 1) in tiles else None,
                down[row][0] if (row + 1, column) in tiles else None,
            ),
        )
        for (row, column), part in tiles.items()
    ]


def spans(length: int, most: int, overlap: int) -> list[Span]:
    """The fewest equal stretches of at most `most` that cover `length`, evenly spaced, neighbours sharing at least `overlap`."""
    if length <= most:
        return [(0, length)]
    count = -(-(length - overlap) // (most - overlap))
    size = -(-(length + (count - 1) * overlap) // count)
    return [(start, start + size) for start in (k * (length - size) // (count - 1) for k in range(count))]
