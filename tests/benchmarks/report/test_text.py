"""The terminal says the verdict first and prints names as they are."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from robustkit.benchmarks.report.text import terminal
from robustkit.benchmarks.statistics import estimate
from robustkit.benchmarks.summary import NonAdaptivePart, Summary, Verdict


def printed(summary: Summary, report: Path | None = None, width: int = 110) -> str:
    out = io.StringIO()
    Console(file=out, width=width).print(terminal(summary, report))
    return out.getvalue().replace("\xa0", " ")


def test_the_verdict_comes_first_and_the_report_last(parts):
    summary = parts["summary"](verdict=Verdict(outcome="failed", sentence="Failed: too low."), gates=[parts["gate"]()])
    lines = printed(summary, Path("runs/nets/report.html")).strip().splitlines()
    assert lines[0].strip() == "✕ Failed  Too low."
    assert lines[-1].strip() == "Report: runs/nets/report.html"


def test_each_threat_has_its_line_and_its_attacks(parts):
    text = printed(parts["summary"](threats=[parts["threat"](), parts["threat"](id="l2:0.5")]))
    assert "Clean 80.0 % (67.0–88.8 %), 50 samples" in text
    for threat in ("linf:0.1", "l2:0.5"):
        assert f"Robust 40.0 % (27.6–53.8 %) at {threat}, upper bound: as strong as the attacks" in text
    row = next(line.split() for line in text.splitlines() if line.startswith("apgd-ce"))
    assert row == ["apgd-ce", "40", "40.0", "%", "50.0", "%", "20", "1.5", "s", "41"]


def test_flags_gates_crashes_and_the_non_adaptive_number(parts):
    threat = parts["threat"](
        trusted=False,
        flags=[parts["weak"]()],
        attacks=[parts["attack"](status="crashed", message="out of memory")],
        non_adaptive=NonAdaptivePart(robust_accuracy=estimate(35, 50), sentence="x"),
    )
    text = printed(parts["summary"](threats=[threat], gates=[parts["gate"]("inconclusive")]))
    assert "▲ weakens the evidence: The gradient vanished" in text
    assert "? inconclusive  min-robust linf:0.1" in text
    assert "apgd-ce:steps=20 crashed: out of memory" in text
    assert "70.0 % if the attacks ignore the defense" in text


def test_names_are_neither_markup_nor_terminal_codes(parts):
    attack = parts["attack"](name="[red]a[/red]\x1b[31m")
    text = printed(parts["summary"](threats=[parts["threat"](attacks=[attack])]))
    assert "[red]a[/red]" in text
    assert "\x1b" not in text


def test_nothing_evaluated(parts):
    summary = parts["summary"](
        clean=estimate(0, 0), threats=[], verdict=Verdict(outcome="nothing", sentence="Nothing was evaluated.")
    )
    assert printed(summary).startswith("○ Nothing evaluated  Nothing was evaluated.")


@pytest.mark.parametrize(
    ("width", "columns"),
    [
        (40, "attack robust success time"),
        (60, "attack evaluated robust success new time"),
        (110, "attack evaluated robust success new time passes per sample"),
    ],
)
def test_a_narrow_terminal_has_fewer_columns(parts, width, columns):
    attacks = [parts["attack"](), parts["attack"](name="a" * 40, role="control", evaluated=1234567)]
    lines = printed(parts["summary"](threats=[parts["threat"](attacks=attacks)]), width=width).splitlines()
    assert all(len(line) <= width for line in lines)
    head = next(line for line in lines if line.startswith("attack "))
    assert head.split() == columns.split()
    row = next(line for line in lines if line.startswith("apgd-ce"))
    assert "40.0 %" in row
    assert "…" not in "".join(lines)
