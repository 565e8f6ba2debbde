"""A matplotlib figure as SVG for inlining in HTML: no style attributes, text kept as text, deterministic bytes."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import matplotlib
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from robustkit.printable import printable

# Okabe and Ito's palette, which is safe for colour-blind readers. The stylesheet matches these exact values in its dark theme.
INK, QUIET, HAIR, BLUE, ORANGE, VERMILLION, PAPER = (
    "#222222", "#666666", "#cccccc", "#0072b2", "#e69f00", "#d55e00", "#ffffff",
)  # fmt: skip

_RC: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.family": ["DejaVu Sans"],
    "font.size": 12,
    "text.color": INK,
    "axes.labelcolor": QUIET,
    "axes.edgecolor": HAIR,
    "axes.linewidth": 1,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlecolor": QUIET,
    "axes.titlesize": 12,
    "axes.titlepad": 10,
    "axes.labelpad": 8,
    "xtick.color": HAIR,
    "ytick.color": HAIR,
    "xtick.labelcolor": QUIET,
    "ytick.labelcolor": QUIET,
    "lines.linewidth": 2,
    "lines.markersize": 7,
}


def chart(name: str, alt: str, width: float, height: float, draw: Callable[[Axes], None]) -> Markup:
    """Draw on fresh axes and return the SVG element.

    Parameters
    ----------
    name
        Makes the ids inside unique on the page.
    alt
        Text alternative for screen readers.
    width, height
        In CSS pixels.
    """
    drawn = io.StringIO()
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()  # the user's own style would change the report
        matplotlib.rcParams.update({**_RC, "svg.hashsalt": name})
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # the reader's browser has its own fonts
        figure = Figure(figsize=(width / 72, height / 72), layout="constrained", facecolor="none")
        axes = figure.add_subplot(facecolor="none")
        draw(axes)
        figure.savefig(drawn, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    return _inline(drawn.getvalue(), name, alt)


def _inline(text: str, name: str, alt: str) -> Markup:
    """The SVG without namespaces, style elements and style attributes, which a strict content security policy forbids."""
    text = re.sub(r' xmlns(:xlink)?="[^"]*"', "", text[text.index("<svg") :], count=2).replace("xlink:href", "href")
    root = ElementTree.fromstring(text)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in ("style", "metadata"):
                parent.remove(child)
    for element in root.iter():
        if element.tag == "g":
            element.attrib.pop("id", None)
        for declaration in element.attrib.pop("style", "").split(";"):
            key, _, value = declaration.partition(":")
            if value and key.strip() != "font-family":
                element.set(key.strip(), value.strip())
        if element.tag == "path":
            element.set("d", " ".join(element.get("d", "").split()))
        if element.tag != "text":
            element.text = None
        element.tail = None
    root.attrib.update({"class": "chart", "role": "img", "aria-label": printable(alt)})
    for key in ("width", "height"):
        root.set(key, root.get(key, "").removesuffix("pt"))
    return Markup(ElementTree.tostring(root, encoding="unicode"))  # ElementTree has escaped every text and attribute
