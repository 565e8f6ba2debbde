"""The options that say how data are read: keywords of `load_data`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from robustkit.cli.options import Mark, Options


class LinkOptions(Options):
    """Where data may lead."""

    follow_links: Annotated[bool, Mark.CODE] = Field(
        False, description="Let links lead out of the folder of the data, into files that the report shows"
    )


class ReadingOptions(LinkOptions):
    """What files and the names of classes mean."""

    class_order: Literal["number", "name"] | None = Field(
        None,
        description="Read classes named by numbers as those numbers, or in the order of their names as ImageFolder does",
    )
    exif: bool = Field(False, description="Rotate images as their EXIF orientation says")
