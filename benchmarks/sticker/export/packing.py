"""Parts on sheets of paper, upright, none overlapping another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from robustkit.benchmarks.sticker.export.paper import Box
from robustkit.benchmarks.sticker.export.parts import Part

#: Blank paper around a part, for the cut line and the scissors, and room below it for its label.
GAP_MM, LABEL_MM = 3.0, 7.0
#: The least width of a label.
LABEL_WIDTH_MM = 34.0


class Placed(NamedTuple):
    """A part and the place of its top left corner on the sheet."""

    part: Part
    left: float
    top: float

    @property
    def right(self) -> float:
        """The right edge."""
        return self.left + self.part.width_mm

    @property
    def bottom(self) -> float:
        """The bottom edge."""
        return self.top + self.part.height_mm


@dataclass
class _Shelf:
    sheet: int
    top: float
    height: float
    used: float = 0.0


@dataclass
class _Sheet:
    used: float = 0.0
    placed: list[Placed] = field(default_factory=list)


def room(area: Box) -> tuple[float, float]:
    """Width and height of the largest part that fits."""
    return area.width - 2 * GAP_MM, area.height - 2 * GAP_MM - LABEL_MM


def pack(parts: Sequence[Part], area: Box) -> list[list[Placed]]:
    """The parts of each sheet: first fit on shelves, the tallest first.

    Parameters
    ----------
    parts
        None larger than the `room` in `area`.
    """
    sheets: list[_Sheet] = []
    shelves: list[_Shelf] = []
    slack = 1e-6  # rounding of sums of millimetres
    for part in sorted(parts, key=lambda part: -part.height_mm):
        width = max(part.width_mm, LABEL_WIDTH_MM) + 2 * GAP_MM
        height = part.height_mm + 2 * GAP_MM + LABEL_MM
        shelf = next((s for s in shelves if s.used + width <= area.width + slack and height <= s.height + slack), None)
        if shelf is None:
            number = next((k for k, sheet in enumerate(sheets) if sheet.used + height <= area.height + slack), len(sheets))
            if number == len(sheets):
                sheets.append(_Sheet())
            shelf = _Shelf(number, sheets[number].used, height)
            sheets[number].used += height
            shelves.append(shelf)
        sheets[shelf.sheet].placed.append(Placed(part, area.left + shelf.used + GAP_MM, area.top + shelf.top + GAP_MM))
        shelf.used += width
    return [sheet.placed for sheet in sheets]
