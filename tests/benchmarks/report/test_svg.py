"""A chart is one SVG element that a page with a strict content policy can hold."""

import re
from xml.etree import ElementTree

import matplotlib as mpl
import pytest

from robustkit.benchmarks.report.svg import chart


def drawn(*labels, name="a", alt="what it shows"):
    def draw(axes):
        axes.plot([0, 1], [0, 1], color="#0072b2", linestyle="--", marker="o")
        for label in labels or ("a label",):
            axes.text(0.5, 0.5, label)

    return chart(name, alt, 300, 200, draw)


def test_it_has_the_size_that_was_asked_for_and_says_what_it_shows():
    root = ElementTree.fromstring(drawn(alt="a <b> & c\x1b[0m"))
    assert (root.tag, root.get("width"), root.get("height"), root.get("role")) == ("svg", "300", "200", "img")
    assert root.get("aria-label").startswith("a <b> & c")
    assert "\x1b" not in root.get("aria-label")


def test_it_brings_no_style_no_metadata_and_no_reference_outside():
    svg = drawn()
    assert not re.search(r"style|metadata|xmlns|font-family|<\?xml|DOCTYPE", svg)
    references = re.findall(r'href="([^"]*)"|url\(([^)]*)\)', svg)
    assert references
    assert all((href or url).startswith("#") for href, url in references)
    assert "stroke-dasharray" in svg  # what the style said stands in attributes


@pytest.mark.parametrize("label", ["$\\frac{<b>&", "猫", "<script>alert(1)</script>", "$x^2$"])
def test_mathematics_and_markup_stay_text(label):
    found = ["".join(text.itertext()) for text in ElementTree.fromstring(drawn(label)).iter("text")]
    assert label in found


def test_the_same_chart_has_the_same_bytes_and_two_share_no_id():
    assert drawn() == drawn()
    one, other = (set(re.findall(r'\bid="([^"]*)"', drawn(name=name))) for name in ("a", "b"))
    assert one
    assert not one & other


def test_the_users_own_style_changes_nothing_and_stays():
    plain = drawn()
    with mpl.rc_context({"lines.linewidth": 9, "text.color": "red"}):
        assert drawn() == plain
        assert mpl.rcParams["lines.linewidth"] == 9
