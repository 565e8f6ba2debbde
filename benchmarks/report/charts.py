"""The report's charts. Series differ in shape and line style as well as colour, so they stay legible in greyscale."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from scipy.optimize import isotonic_regression

from robustkit.benchmarks.report.svg import BLUE, HAIR, INK, ORANGE, PAPER, QUIET, VERMILLION, chart
from robustkit.benchmarks.report.words import UPPER_BOUND, interval, label, passes, percent, share, short
from robustkit.benchmarks.statistics import Estimate
from robustkit.benchmarks.summary import Summary, ThreatPart
from robustkit.printable import printable
from robustkit.threats import NormThreat, Threat

_WIDTH = 460
_LINES = ((BLUE, "-"), (VERMILLION, "--"), (ORANGE, "-."), (INK, ":"))


def _share_axis(axis: object) -> None:
    axis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))  # type: ignore[attr-defined]
    axis.set_major_formatter(FuncFormatter(lambda v, _: percent(v, 0)))  # type: ignore[attr-defined]


def accuracy(summary: Summary) -> Markup:
    """Clean accuracy and each threat's robust accuracy as a dot on its interval, with the gates' thresholds."""
    rows: list[tuple[str, Estimate, list[float], bool]] = [("clean", summary.clean, [], True)]
    for threat in summary.threats:
        thresholds = [gate.threshold for gate in summary.gates if gate.threat == threat.id]
        rows.append((printable(threat.id, 40), threat.robust_accuracy, thresholds, threat.trusted))

    def draw(axes: Axes) -> None:
        for y, (name, value, thresholds, trusted) in enumerate(rows):
            colour = INK if y == 0 else BLUE
            axes.axhline(y, color=HAIR, linewidth=1, zorder=0)
            for threshold in thresholds:
                axes.plot([threshold] * 2, [y - 0.28, y + 0.28], color=VERMILLION, linestyle=(0, (2, 1.5)), zorder=1)
                side = "right" if threshold > 0.5 else "left"
                axes.text(threshold, y + 0.3, f" required {percent(threshold, 0)} ", ha=side, va="top", color=QUIET, size=11)
            axes.text(0, y - 0.24, name, va="bottom", weight="bold")
            if not value.n:
                axes.text(1, y - 0.24, "nothing evaluated", ha="right", va="bottom", color=QUIET)
                continue
            axes.text(1, y - 0.24, f"{share(value)}  ({interval(value)})", ha="right", va="bottom")
            axes.plot([value.low, value.high], [y, y], color=colour, linewidth=4, alpha=0.35, solid_capstyle="butt")
            face = colour if trusted else PAPER
            axes.plot(value.value, y, marker="o" if y else "s", color=colour, markerfacecolor=face, markersize=9)
        axes.set(xlim=(-0.02, 1.02), ylim=(len(rows) - 0.45, -0.75), yticks=[])
        axes.spines["left"].set_visible(False)
        _share_axis(axes.xaxis)

    alt = "; ".join(f"{name}: {share(value)}, interval {interval(value)}" for name, value, *_ in rows)
    return chart("accuracy", f"Accuracy with 95 % intervals. {alt}. Robust accuracy is an {UPPER_BOUND}.",
                 _WIDTH, 50 + 62 * len(rows), draw)  # fmt: skip


def curve(threat: ThreatPart, name: str) -> Markup:
    """Robust accuracy vs. eps for the attack and the noise control, with the audited eps marked."""
    points = sorted(threat.curve, key=lambda p: p.eps)
    in_255 = all(p.eps_text.endswith("/255") or p.eps == 0 for p in points) and points[-1].eps > 0
    scale = 255.0 if in_255 else 1.0
    audited = audited_eps(threat)

    def band(
        axes: Axes, at: Sequence[float], values: Sequence[Estimate], colour: str, line: str, marker: str, face: str
    ) -> None:
        axes.fill_between(at, [v.low for v in values], [v.high for v in values], color=colour, alpha=0.16, linewidth=0)
        axes.plot(at, [v.value for v in values], color=colour, linestyle=line, marker=marker, markerfacecolor=face)

    def draw(axes: Axes) -> None:
        labels: list[tuple[float, float, str]] = []
        controls = [(p.eps * scale, p.control) for p in points if p.control is not None]
        if controls:
            at, values = zip(*controls, strict=True)
            band(axes, at, values, ORANGE, "--", "s", PAPER)
            labels.append((at[-1], values[-1].value, "noise control"))
        band(axes, [p.eps * scale for p in points], [p.attack for p in points], BLUE, "-", "o", BLUE)
        labels.append((points[-1].eps * scale, points[-1].attack.value, "attack"))
        heights = spread([y for _, y, _ in labels], 0.09, 0, 1)
        for (x, _, text), y in zip(labels, heights, strict=True):
            axes.annotate(text, (x, y), xytext=(9, 0), textcoords="offset points", va="center", annotation_clip=False)
        if audited is not None:
            axes.axvline(audited * scale, color=QUIET, linestyle=":", linewidth=1.5, zorder=0)
            axes.annotate("audited", (audited * scale, 1.05), ha="center", va="bottom", color=QUIET, size=11,
                          annotation_clip=False)  # fmt: skip
        right = max(points[-1].eps, audited or 0) * scale or 1.0
        axes.set(ylim=(-0.02, 1.05), xlim=(-0.02 * right, 1.04 * right))
        axes.set_xlabel(f"eps ({'in 1/255, ' if in_255 else ''}{printable(threat.kind, 20)})")
        axes.set_title("robust accuracy", pad=22)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=in_255))
        axes.grid(axis="y", color=HAIR, linewidth=0.6, zorder=0)
        axes.set_axisbelow(True)
        _share_axis(axes.yaxis)

    steps = "; ".join(
        f"eps {p.eps_text}: {share(p.attack)}" + (f", noise control {share(p.control)}" if p.control else "") for p in points
    )
    return chart(f"curve-{name}", f"Robust accuracy vs. eps under {threat.id}. {steps}.", _WIDTH, 320, draw)


def minimal(threat: ThreatPart, name: str) -> Markup | None:
    """Robust accuracy at every eps, from the distances of the nearest adversarial images; None if no attack searched for them."""
    shown = threat.minimal[: len(_LINES)]
    if not any(len(part.curve) > 1 for part in shown):
        return None
    right = max(part.curve[-1][0] for part in shown)
    audited = Threat.parse(threat.id)

    def draw(axes: Axes) -> None:
        for part, (colour, line) in zip(shown, _LINES, strict=False):
            eps, share_ = zip(*part.curve, strict=True)
            name_ = printable(part.spec, 28)
            axes.step([*eps, right], [*share_, share_[-1]], where="post", color=colour, linestyle=line, label=name_)
        axes.legend(loc="upper right", frameon=False, fontsize=11)
        if isinstance(audited, NormThreat) and audited.eps <= right:
            axes.axvline(audited.eps, color=QUIET, linestyle=":", linewidth=1.5, zorder=0)
            axes.annotate("audited", (audited.eps, 1.05), ha="center", va="bottom", color=QUIET, size=11, annotation_clip=False)
        axes.set(ylim=(-0.02, 1.05), xlim=(-0.02 * right, 1.02 * right))
        axes.set_xlabel(f"eps ({printable(threat.id.partition(':')[0], 20)})")
        axes.set_title("robust accuracy", pad=22)
        axes.xaxis.set_major_locator(MaxNLocator(6))
        axes.grid(axis="y", color=HAIR, linewidth=0.6, zorder=0)
        axes.set_axisbelow(True)
        _share_axis(axes.yaxis)

    medians = "; ".join(
        f"{part.attack}: median {short(part.median) if part.median is not None else 'unknown'}" for part in shown
    )
    alt = f"Robust accuracy at every eps under {threat.id}, from the nearest adversarial images. {medians}."
    return chart(f"minimal-{name}", alt, _WIDTH, 320, draw)


def cost(threat: ThreatPart, name: str) -> Markup | None:
    """Robust accuracy after each attack vs. its passes per sample; None if no attack made any."""
    shown = [(passes(a), a) for a in threat.attacks if passes(a) > 0 and a.robust_accuracy.n]
    if not shown:
        return None

    def draw(axes: Axes) -> None:
        axes.set_xscale("log")
        low, high = min(p for p, _ in shown) / 2, max(p for p, _ in shown) * 2
        axes.set(ylim=(-0.04, 1.05), xlim=(low, high))
        # Labels must not overlap each other or another attack's marker.
        places = [(np.log(x / low) / np.log(high / low), attack.robust_accuracy.value) for x, attack in shown]
        taken = [(across - 0.015, value, 0.03) for across, value in places]
        for x, attack in sorted(shown, key=lambda pair: (-pair[1].robust_accuracy.value, pair[0])):
            value, control = attack.robust_accuracy, attack.role == "control"
            colour, marker, face = (ORANGE, "s", PAPER) if control else (BLUE, "o", BLUE)
            axes.plot([x, x], [value.low, value.high], color=colour, linewidth=4, alpha=0.35, solid_capstyle="butt")
            axes.plot(x, value.value, marker=marker, color=colour, markerfacecolor=face)
            text, left = printable(label(attack, threat.attacks), 28), np.log(x / low) / np.log(high / low)
            to_left = left > 0.6
            start, length = (left - 0.02 - 0.02 * len(text) if to_left else left + 0.02), 0.02 * len(text)
            y = value.value
            while any(abs(y - b) < 0.065 and start < a + w and a < start + length for a, b, w in taken):
                y -= 0.02
            taken.append((start, y, length))
            axes.annotate(text, (x, y), xytext=(-9 if to_left else 9, 0), textcoords="offset points", va="center",
                          ha="right" if to_left else "left", annotation_clip=False)  # fmt: skip
        axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: short(v)))
        axes.xaxis.set_minor_locator(NullLocator())
        ticks = [v for k in range(-1, 8) for v in (10.0**k, 3 * 10.0**k) if low <= v <= high]
        axes.xaxis.set_major_locator(FixedLocator(ticks or [x for x, _ in shown]))
        axes.set_xlabel("passes per sample (log scale)")
        axes.set_title("robust accuracy after the attack", pad=22)
        axes.grid(axis="y", color=HAIR, linewidth=0.6)
        axes.set_axisbelow(True)
        _share_axis(axes.yaxis)

    alt = "; ".join(f"{label(a, threat.attacks)}: {share(a.robust_accuracy)} after {short(x)} passes" for x, a in shown)
    return chart(f"cost-{name}", f"Attack strength vs. cost under {threat.id}. {alt}.", _WIDTH, 320, draw)


def audited_eps(threat: ThreatPart) -> float | None:
    """The eps of the curve point whose text equals the eps in the threat's id; None if there is none."""
    size = threat.id.partition(",")[0].partition(":")[2]
    return next((p.eps for p in threat.curve if p.eps_text == size), None)


def spread(heights: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """The heights, in the same order, moved as little as possible to be at least `gap` apart.

    They stay between `low` and `high` if all of them fit.
    """
    order = np.argsort(heights, kind="stable")
    steps = gap * np.arange(len(order))
    moved = np.empty(len(order))
    if len(order):
        flat = isotonic_regression(np.asarray(heights, dtype=float)[order] - steps).x
        moved[order] = flat.clip(low, max(high - steps[-1], low)) + steps
    return [float(height) for height in moved]
