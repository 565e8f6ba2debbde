"""Charts hold the numbers as text, keep labels apart and draw what is there."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from robustkit.benchmarks.report import charts


def texts(svg: str) -> list[str]:
    return ["".join(t.itertext()) for t in ElementTree.fromstring(svg).iter("text")]


def test_accuracy_names_every_threat_with_its_interval_and_requirement(parts):
    summary = parts["summary"](threats=[parts["threat"](), parts["threat"](id="l2:0.5")], gates=[parts["gate"]()])
    found = " | ".join(texts(charts.accuracy(summary))).replace("\xa0", " ")
    assert all(word in found for word in ("clean", "linf:0.1", "l2:0.5", "40.0 %  (27.6–53.8 %)", "required 60 %"))


def test_the_curve_labels_its_lines_and_marks_the_audited_budget(parts):
    svg = charts.curve(parts["threat"](), "0")
    assert {"attack", "noise control", "audited"} <= set(texts(svg))
    assert "stroke-dasharray" in svg


def test_the_axis_speaks_the_units_of_the_user(parts):
    points = parts["threat"]().curve
    curve = [p.model_copy(update={"eps": e / 255, "eps_text": f"{e}/255"}) for p, e in zip(points, (0, 4, 8, 16), strict=True)]
    threat = parts["threat"](id="linf:8/255,targeted", curve=curve)
    assert charts.audited_eps(threat) == 8 / 255
    assert any("in 1/255" in text for text in texts(charts.curve(threat, "0")))


def test_attacks_of_one_name_are_told_apart_by_their_spec(parts):
    attacks = [parts["attack"](name="c", spec=f"c:fill={fill}") for fill in ("grey", "black")]
    assert {"c:fill=grey", "c:fill=black"} <= set(texts(charts.cost(parts["threat"](attacks=attacks), "0")))


def test_attacks_without_passes_are_not_drawn(parts):
    assert charts.cost(parts["threat"](attacks=[parts["attack"](forwards=0, backwards=0)]), "0") is None
    assert charts.cost(parts["threat"](attacks=[]), "0") is None


@given(st.lists(st.floats(0, 1), max_size=6), st.floats(0.01, 0.2))
def test_spread_keeps_labels_apart_in_order_and_in_the_picture(heights, gap):
    moved = charts.spread(heights, gap, 0, 1)
    order = sorted(range(len(heights)), key=lambda i: heights[i])
    assert all(moved[b] - moved[a] >= gap - 1e-9 for a, b in pairwise(order))
    assert all(-1e-9 <= height <= 1 + 1e-9 for height in moved)


def test_spread_moves_labels_as_little_as_can_be():
    assert charts.spread([0.5, 0.5, 0.9], 0.25, 0, 1) == [0.375, 0.625, 0.9]
    assert charts.spread([0.0, 0.0], 0.25, 0, 1) == [0, 0.25]
