"""How a user wants files of images to be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: Whether classes whose names are numbers are read by number or in the order of their names.
ClassOrder = Literal["number", "name"]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Choices that hold for every file of a data set.

    Parameters
    ----------
    follow_links
        Whether links may lead out of the folder of the data.
    exif
        Whether images are rotated as their EXIF orientation says.
    """

    follow_links: bool = False
    exif: bool = False
