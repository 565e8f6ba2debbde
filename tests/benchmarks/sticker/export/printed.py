"""Where the images of a printed page are, in millimetres from its top left, read back from the files themselves."""

from __future__ import annotations

import io
import re
import zlib
from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray
from PIL import Image

NUMBER = rb"(-?[\d.]+)"
POINT_MM = 25.4 / 72


class Printed(NamedTuple):
    """A rectangle."""

    left: float
    top: float
    width: float
    height: float


class PrintedPage(NamedTuple):
    """A page and its images, in reading order."""

    width: float
    height: float
    images: list[Printed]


def from_pdf(document: bytes) -> list[PrintedPage]:
    """The pages of a PDF that matplotlib wrote."""
    boxes = [tuple(map(float, box.split())) for box in re.findall(rb"/MediaBox \[ ([^\]]*) \]", document)]
    streams = re.findall(rb"/Length \d+ 0 R( /Filter /FlateDecode)? >>\r?\nstream\r?\n(.*?)\r?\nendstream", document, re.DOTALL)
    contents = [zlib.decompress(stream) if packed else stream for packed, stream in streams]
    placing = re.compile(
        rb"\s+".join([rb"1 0 0 1", NUMBER, NUMBER, rb"cm", NUMBER, rb"0 0", NUMBER, rb"0", NUMBER, rb"cm /I\d+ Do"]).replace(
            rb" ", rb"\s+"
        )
    )
    drawn = [
        [tuple(map(float, found)) for found in placing.findall(content)]
        for content in contents
        if re.search(rb"\sre\s+W\s", content)
    ]
    pages = []
    for (_, _, width, height), images in zip(boxes, drawn, strict=True):
        # Images are drawn from their top down.
        found = [
            Printed(x * POINT_MM, (height - y - up) * POINT_MM, wide * POINT_MM, -high * POINT_MM)
            for x, y, wide, high, up in images
        ]
        pages.append(PrintedPage(width * POINT_MM, height * POINT_MM, sorted(found, key=lambda each: each[1::-1])))
    return pages


def from_svg(text: bytes) -> PrintedPage:
    """The page of an SVG."""
    root = ElementTree.fromstring(text)
    width, height = (float(root.attrib[key].removesuffix("pt")) for key in ("width", "height"))
    assert root.attrib["viewBox"] == f"0 0 {root.attrib['width'][:-2]} {root.attrib['height'][:-2]}"
    found = []
    for image in root.iter("{http://www.w3.org/2000/svg}image"):
        a, b, c, d, e, f = map(float, image.attrib["transform"].removeprefix("matrix(").removesuffix(")").split())
        assert b == c == 0
        wide, high = (float(image.attrib[key]) for key in ("width", "height"))
        found.append(Printed(*(POINT_MM * value for value in (e, f, a * wide, d * high))))
    return PrintedPage(width * POINT_MM, height * POINT_MM, sorted(found, key=lambda each: each[1::-1]))


def from_png(content: bytes, colour: tuple[int, int, int]) -> PrintedPage:
    """The page of a PNG with the box of the pixels of one colour, by its physical resolution."""
    image = Image.open(io.BytesIO(content))
    across, down = (25.4 / dots for dots in image.info["dpi"])
    pixels: NDArray[np.uint8] = np.asarray(image.convert("RGB"))
    rows, columns = np.nonzero((pixels == colour).all(axis=2))
    (left, right), (top, bottom) = (columns.min(), columns.max() + 1), (rows.min(), rows.max() + 1)
    box = Printed(left * across, top * down, (right - left) * across, (bottom - top) * down)
    return PrintedPage(image.width * across, image.height * down, [box])
