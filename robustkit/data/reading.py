"""Options for reading image files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: Whether classes whose names are numbers are matched by number or in the order of their names.
ClassOrder = Literal["number", "name"]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Options that apply to all files of a data set.

    Parameters
    ----------
    follow_links
        Whether links may lead out of the data's folder.
    exif
        Whether to apply the EXIF orientation of images.
    """

    follow_links: bool = False
    exif: bool = False
