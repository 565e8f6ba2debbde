"""A bench as a Markdown table, for a README."""

from __future__ import annotations

import re

from robustkit.benchmarks.bench.columns import cells, footing, heading
from robustkit.benchmarks.bench.result import Bench
from robustkit.benchmarks.bench.table import verdict


def markdown(bench: Bench) -> str:
    """The heading, the contenders, the bars, the skipped peers, and the environment."""
    titles, rows = cells(bench)
    lines = [escaped(heading(bench)), "", row(titles), row(["---", *["---:"] * (len(titles) - 1)])]
    lines += [*(row([escaped(text) for text in texts]) for texts in rows), ""]
    lines += [f"- {'met' if bar.met else '**not met**'}: {escaped(verdict(bar))}" for bar in bench.bars]
    lines += [f"- skipped: {escaped(peer.name)}: {escaped(peer.reason)}" for peer in bench.skipped]
    lines += [""] if bench.bars or bench.skipped else []
    return "\n".join([*lines, escaped(footing(bench)), ""])


def row(texts: list[str]) -> str:
    """One line of the table."""
    return f"| {' | '.join(texts)} |"


def escaped(text: str) -> str:
    """Text on one line with Markdown characters escaped."""
    return re.sub(r"([\\`*_|<>\[\]])", r"\\\1", " ".join(text.splitlines()))
