"""Sizes of paper, and the part of a sheet on which pieces may be printed, in millimetres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from robustkit.errors import UsageError, brief, did_you_mean

#: Portrait width and height.
SIZES_MM = {"A4": (210.0, 297.0), "A3": (297.0, 420.0), "letter": (215.9, 279.4)}
#: Heights of the title above the pieces and of the check ruler below them.
TITLE_MM, RULER_MM = 11.0, 14.0
#: The least printable width, which the texts need.
NARROWEST_MM = 180.0


class Box(NamedTuple):
    """A rectangle on a sheet; y points down."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """The bottom edge."""
        return self.top + self.height


@dataclass(frozen=True)
class Paper:
    """A sheet of paper with a margin that printers leave blank."""

    name: str
    width_mm: float
    height_mm: float
    margin_mm: float

    @classmethod
    def named(cls, name: str, margin_mm: float = 10.0) -> Paper:
        """The paper of a name, upright.

        Raises
        ------
        UsageError
            If the paper is unknown, or the margin is negative or leaves too little paper.
        """
        known = {each.casefold(): each for each in SIZES_MM}
        if name.casefold() not in known:
            raise UsageError(f"paper {brief(name)} is unknown: {did_you_mean(name, SIZES_MM)}")
        name = known[name.casefold()]
        width_mm, height_mm = SIZES_MM[name]
        most = (width_mm - NARROWEST_MM) / 2
        if not 0 <= margin_mm <= most:
            raise UsageError(f"a margin of {margin_mm:g} mm does not fit {name} paper: give one from 0 to {most:g} mm")
        return cls(name, width_mm, height_mm, margin_mm)

    @property
    def landscape(self) -> Paper:
        """The same paper on its side."""
        return Paper(self.name, self.height_mm, self.width_mm, self.margin_mm)

    @property
    def printable(self) -> Box:
        """The sheet without its margins."""
        margin = self.margin_mm
        return Box(margin, margin, self.width_mm - 2 * margin, self.height_mm - 2 * margin)

    @property
    def area(self) -> Box:
        """The part for pieces: the printable part without the title and the check ruler."""
        left, top, width, height = self.printable
        return Box(left, top + TITLE_MM, width, height - TITLE_MM - RULER_MM)
