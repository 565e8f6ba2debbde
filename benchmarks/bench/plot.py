"""Plot of attack strength vs. cost: robust accuracy after each contender over its time."""

from __future__ import annotations

from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from robustkit.benchmarks.bench.result import Bench, Entry
from robustkit.benchmarks.report.charts import spread
from robustkit.benchmarks.report.words import percent, short
from robustkit.printable import printable

#: Inches between labels, of the margin outside the axes, and of the minimum height.
LABEL, MARGIN, LOWEST = 0.22, 0.8, 4.6
#: Minimum span of the robust accuracy axis.
NARROWEST = 0.2

# Okabe and Ito's palette; the kinds also differ in shape, for greyscale print.
INK, QUIET, HAIR = "#222222", "#666666", "#dddddd"
KINDS = {"attack": ("#0072b2", "o"), "protocol": ("#009e73", "s"), "peer": ("#d55e00", "D"), "case": ("#0072b2", "o")}


def plot(bench: Bench, folder: Path) -> list[Path]:
    """Write ``bench.svg`` and ``bench.png``; return their paths."""
    paths = [folder / "bench.svg", folder / "bench.png"]
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "bench", "font.size": 10, "text.parse_math": False})
        points = sorted(
            ((e.cost, e.robust_accuracy, e) for e in bench.entries if e.cost is not None and e.robust_accuracy is not None),
            key=lambda point: point[:2],
        )
        height = max(MARGIN + LABEL * (len(points) + 1), LOWEST)
        figure = Figure(figsize=(8, height), layout="constrained")
        _draw(figure.add_subplot(), bench, points, LABEL / (height - MARGIN))
        figure.savefig(paths[0], metadata={"Date": None})
        figure.savefig(paths[1], dpi=160)
    return paths


def _draw(axes: Axes, bench: Bench, points: list[tuple[float, float, Entry]], gap: float) -> None:
    """Draw points of cost and robust accuracy; labels are at least the fraction `gap` of the axis apart."""
    lowest, highest = min(robust for _, robust, _ in points), max(robust for _, robust, _ in points)
    room = max(NARROWEST - (highest - lowest), 0.12) / 2
    below, above = max(lowest - room, -0.06), min(highest + room, 1.06)
    low, high = points[0][0] / 1.6, points[-1][0] * 6
    axes.set_xscale("log")
    axes.set(xlim=(low, high), ylim=(below, above))
    gap *= above - below
    heights = spread([robust for _, robust, _ in points], gap, below + gap / 2, above - gap / 2)
    for (cost, robust, entry), height in zip(points, heights, strict=True):
        colour, marker = KINDS[entry.kind]
        axes.plot(cost, robust, marker, color=colour, markersize=7, zorder=3)
        line = {"arrowstyle": "-", "color": HAIR, "shrinkA": 0, "shrinkB": 3}
        text = printable(entry.label, 40)
        axes.annotate(text, (cost, robust), (cost * 1.15, height), color=colour, va="center", fontsize=9, arrowprops=line)
    axes.grid(axis="y", color=HAIR, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: short(v)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: percent(v, 0) if 0 <= v <= 1 else ""))
    axes.set_xlabel("cost: time relative to one bare forward and backward pass of every image (log scale)", color=QUIET)
    axes.set_title(
        f"Robust accuracy after each attack: {printable(bench.model, 40)}, {bench.threat}, {bench.n} images",
        loc="left",
        color=INK,
        fontsize=10,
    )
