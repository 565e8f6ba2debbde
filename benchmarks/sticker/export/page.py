"""A page drawn in millimetres with matplotlib, and its files at true size, with the same bytes every time."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from robustkit.benchmarks.sticker.export.paper import RULER_MM, TITLE_MM, Paper

INCH_MM = 25.4
INK, QUIET, CUT = "#000000", "#555555", "#e6007e"

_RC: dict[Any, Any] = {
    "font.family": ["DejaVu Sans"],
    "font.size": 8,
    "text.parse_math": False,
    "svg.hashsalt": "robustkit",
    "svg.fonttype": "path",  # a browser's other font would not fit
    "path.simplify": False,
    "image.composite_image": False,
}


@contextmanager
def drawing() -> Iterator[None]:
    """A context for drawing and saving pages, where the user's own style of matplotlib has no effect."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_RC)
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a name may be in any script
        yield


def page(paper: Paper, title: str, line: str) -> Axes:
    """Axes over a whole new sheet in millimetres, y down, with a title, a line below it, and the check ruler at the bottom."""
    figure = Figure(figsize=(paper.width_mm / INCH_MM, paper.height_mm / INCH_MM), facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set(xlim=(0, paper.width_mm), ylim=(paper.height_mm, 0), autoscale_on=False)
    box = paper.printable
    heading = axes.text(box.left, box.top + 3.5, title, fontsize=11, fontweight="bold", va="baseline")
    width_mm = heading.get_window_extent().width / figure.dpi * INCH_MM
    heading.set_fontsize(11 * min(1, box.width / max(width_mm, 1)))  # a name may be of wide letters
    axes.text(box.left, box.top + TITLE_MM - 3, line, color=QUIET, va="baseline")
    _ruler(axes, box.left + 1, box.bottom - RULER_MM)
    return axes


def _ruler(axes: Axes, left: float, top: float) -> None:
    """A ruler of 100 mm to measure on the printed sheet."""
    at = top + 4
    ticks = [[(left + x, at), (left + x, at + (3.0 if x % 10 == 0 else 1.5))] for x in range(0, 101, 5)]
    lines(axes, [[(left, at), (left + 100, at)], *ticks], colour=INK, width_mm=0.15)
    for x in range(0, 101, 10):
        axes.text(left + x, at + 3.6, f"{x}", fontsize=6, ha="center", va="top")
    axes.text(left + 104, at + 0.6, "Check ruler: 100 mm. If yours measures anything", fontsize=6, color=QUIET, va="center")
    axes.text(left + 104, at + 3.6, "else, print again at 100 %, not fitted to the page.", fontsize=6, color=QUIET, va="center")


def lines(axes: Axes, paths: Sequence[Any], *, colour: str, width_mm: float, style: Any = "solid", zorder: float = 2) -> None:
    """Draw paths of (x, y) in millimetres."""
    cap = "projecting" if style == "solid" else "butt"  # closes the corner where a loop starts
    width = width_mm / INCH_MM * 72
    drawn = LineCollection(paths, colors=colour, linewidths=width, linestyles=style, capstyle=cap, zorder=zorder)
    axes.add_collection(drawn, autolim=False)


def picture(axes: Axes, image: NDArray[np.uint8], left: float, top: float, width: float, height: float) -> None:
    """Draw an image with its own pixels, none of them resampled, on a rectangle in millimetres."""
    axes.imshow(
        image, extent=(left, left + width, top + height, top), interpolation="none", aspect="auto", origin="upper", zorder=3
    )


def files(stem: str, title: str, pages: Iterable[Axes], dpi: float) -> dict[str, bytes]:
    """The contents of ``stem.pdf``, which has all pages, and of an SVG and a PNG of each page, by name."""
    document = io.BytesIO()
    single: dict[str, bytes] = {}
    with PdfPages(document, metadata={"Title": title, "Creator": "robustkit", "CreationDate": None}) as book:
        for k, axes in enumerate(pages, 1):
            figure = cast(Figure, axes.figure)
            book.savefig(figure)
            drawn, raster = io.BytesIO(), io.BytesIO()
            figure.savefig(drawn, format="svg", metadata={"Title": title, "Creator": "robustkit", "Date": None})
            figure.savefig(raster, format="png", dpi=dpi, metadata={"Title": title, "Software": "robustkit"})
            single |= {f"{stem}-{k}.svg": drawn.getvalue(), f"{stem}-{k}.png": raster.getvalue()}
    return {f"{stem}.pdf": document.getvalue(), **single}
