"""The options of every command that reads data."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

ClassOrder = Annotated[
    Literal["number", "name"] | None,
    typer.Option(help="Read classes named by numbers as those numbers, or in the order of their names as ImageFolder does"),
]
FollowLinks = Annotated[
    bool, typer.Option("--follow-links", help="Let links lead out of the folder of the data, into files that the report shows")
]
Exif = Annotated[bool, typer.Option("--exif", help="Rotate images as their EXIF orientation says")]
