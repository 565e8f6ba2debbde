"""Options for reading data: keywords of `load_data`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from robustkit.cli.options import Mark, Options


class LinkOptions(Options):
    """Which files data may link to."""

    follow_links: Annotated[bool, Mark.CODE] = Field(
        False, description="Follow links out of the data folder; the report may show those files"
    )


class ReadingOptions(LinkOptions):
    """The interpretation of images and class names."""

    class_order: Literal["number", "name"] | None = Field(
        None,
        description="Read numeric class names as labels, or sort all class names like ImageFolder",
    )
    exif: bool = Field(False, description="Rotate images according to their EXIF orientation")
