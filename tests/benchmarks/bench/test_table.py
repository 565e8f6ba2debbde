"""The terminal's view of a bench: whole figures, the bars, and what was left out."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from robustkit.benchmarks.bench.result import Bar, Bench, Entry, SkippedPeer
from robustkit.benchmarks.bench.table import print_bench, verdict

BARS = [Bar(name="fast", value=1, limit=2, sense="at most"), Bar(name="strong", value=1, limit=2, sense="at least")]


def printed(bench: Bench, width: int = 80) -> str:
    out = io.StringIO()
    print_bench(bench, [Path("a/bench.json")], Console(file=out, width=width))
    return out.getvalue()


@pytest.mark.parametrize("width", [10, 30, 200])
def test_no_figure_is_cut_in_a_narrow_terminal(a_bench: Callable[..., Bench], width: int) -> None:
    entry = Entry(name="fmn:steps=5", kind="attack", robust_accuracy=0.5, distance=1.5, forwards=7, backwards=5, seconds=1.0)
    text = printed(a_bench(entry), width)
    assert "…" not in text
    row = next(line for line in text.splitlines() if line.startswith("fmn:steps=5"))
    assert row.split() == ["fmn:steps=5", "50.0", "%", "1.5", "7", "5", "1", "s"]


def test_bars_what_was_left_out_and_what_was_written(a_bench: Callable[..., Bench]) -> None:
    text = printed(a_bench(bars=BARS, skipped=[SkippedPeer(name="art/[bold]X", reason="not\x1b[2J installed")]))
    assert "met  fast: 1.000 (at most 2)" in text
    assert "NOT MET  strong: 1.000 (at least 2)" in text
    assert "skipped: art/[bold]X: not" in text
    assert "\x1b" not in text
    assert "written: a/bench.json" in text


def test_a_verdict_says_how_far_its_rounds_lie_apart() -> None:
    assert verdict(BARS[0]) == "fast: 1.000 (at most 2)"
    assert verdict(BARS[0].model_copy(update={"rounds": [1.5, 0.5, 1.0]})) == ("fast: 1.000 (at most 2; rounds 0.500 to 1.500)")
