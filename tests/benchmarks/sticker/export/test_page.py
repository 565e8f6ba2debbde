"""Pages at true size."""

import io

import matplotlib
import numpy as np
import pytest
from PIL import Image

from robustkit.benchmarks.sticker.export.page import drawing, files, lines, page, picture
from robustkit.benchmarks.sticker.export.paper import RULER_MM, Paper
from tests.benchmarks.sticker.export.printed import from_pdf, from_png, from_svg

PAPER = Paper.named("letter")
#: A picture of 3 by 2 dots on the page.
LEFT, TOP, WIDTH, HEIGHT = 37.3, 41.9, 61.7, 23.1


@pytest.fixture(scope="module")
def written() -> dict[str, bytes]:
    image = np.full((2, 3, 4), (0, 90, 200, 255), np.uint8)
    with drawing():
        axes = page(PAPER, "a title", "a line")
        picture(axes, image, LEFT, TOP, WIDTH, HEIGHT)
        return files("name", "a title", [axes], 300)


def test_each_format_has_a_file(written: dict[str, bytes]) -> None:
    assert list(written) == ["name.pdf", "name-1.svg", "name-1.png"]


def test_sizes_in_the_pdf_are_exact(written: dict[str, bytes]) -> None:
    (found,) = from_pdf(written["name.pdf"])
    assert (found.width, found.height) == pytest.approx((PAPER.width_mm, PAPER.height_mm), abs=1e-3)
    assert found.images == [pytest.approx((LEFT, TOP, WIDTH, HEIGHT), abs=1e-3)]


def test_sizes_in_the_svg_are_exact(written: dict[str, bytes]) -> None:
    found = from_svg(written["name-1.svg"])
    assert (found.width, found.height) == pytest.approx((PAPER.width_mm, PAPER.height_mm), abs=1e-3)
    assert found.images == [pytest.approx((LEFT, TOP, WIDTH, HEIGHT), abs=1e-2)]


def test_sizes_in_the_png_are_exact_to_a_dot(written: dict[str, bytes]) -> None:
    found = from_png(written["name-1.png"], (0, 90, 200))
    assert (found.width, found.height) == pytest.approx((PAPER.width_mm, PAPER.height_mm), abs=0.1)
    assert found.images == [pytest.approx((LEFT, TOP, WIDTH, HEIGHT), abs=0.1)]


def test_the_check_ruler_is_100_mm_long(written: dict[str, bytes]) -> None:
    pixels = np.asarray(Image.open(io.BytesIO(written["name-1.png"])).convert("L"))
    box = PAPER.printable
    bottom = pixels[round((box.bottom - RULER_MM) / 25.4 * 300) :, : round((box.left + 103) / 25.4 * 300)]
    # The ruler's line is the row with the most ink.
    columns = np.flatnonzero(bottom[(bottom < 128).sum(1).argmax()] < 128)
    assert (columns.max() - columns.min() + 1) * 25.4 / 300 == pytest.approx(100, abs=0.3)
    # Its ticks, one row of dots further down, are 5 mm apart.
    ticks = np.flatnonzero(bottom[(bottom < 128).sum(1).argmax() + 10] < 128)
    assert (ticks.max() - ticks.min()) * 25.4 / 300 == pytest.approx(100, abs=0.25)


def test_the_users_own_style_changes_nothing(written: dict[str, bytes]) -> None:
    image = np.full((2, 3, 4), (0, 90, 200, 255), np.uint8)
    with matplotlib.rc_context({"figure.figsize": (1, 1), "savefig.bbox": "tight", "font.size": 30, "lines.linewidth": 9}):
        with drawing():
            axes = page(PAPER, "a title", "a line")
            picture(axes, image, LEFT, TOP, WIDTH, HEIGHT)
            again = files("name", "a title", [axes], 300)
        assert matplotlib.rcParams["font.size"] == 30
    assert again == written


def test_a_line_has_its_width_in_millimetres() -> None:
    with drawing():
        axes = page(PAPER, "", "")
        lines(axes, [[(50, 100), (150, 100)]], colour="#00ff00", width_mm=5)
        found = from_png(files("name", "", [axes], 300)["name-1.png"], (0, 255, 0))
    assert found.images == [pytest.approx((47.5, 97.5, 105, 5), abs=0.1)]


@pytest.mark.parametrize("title", ["</svg><script>alert(1)</script>", "-->", "a & b", "停止", "$x_1$", r"\frac", ""])
def test_any_title_is_only_text(title: str) -> None:
    with drawing():
        written = files("name", title, [page(PAPER, title, title)], 72)
    assert b"<script" not in written["name-1.svg"]
    assert from_svg(written["name-1.svg"]).images == []
