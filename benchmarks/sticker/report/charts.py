"""The charts of a sticker's report. Series differ in shape and line style as well as colour, so they stay legible in greyscale."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from robustkit.benchmarks.report.svg import BLUE, HAIR, INK, ORANGE, PAPER, QUIET, chart
from robustkit.benchmarks.report.words import interval, percent, share
from robustkit.benchmarks.statistics import Estimate
from robustkit.benchmarks.sticker.scoring import ByRule, CellScore, SizeScore, Success
from robustkit.benchmarks.sticker.summary import AreaScore, Checkpoint, Variant, main
from robustkit.benchmarks.sticker.tables import angle_text, distance_text
from robustkit.printable import printable

_WIDTH = 460
#: Opacity of a cell of the heat map with success in every frame: its text stays legible in both themes.
_DARKEST = 0.55


def subjects(success: Success, name: str) -> Markup:
    """The success of the sticker and of every control, each as a dot on its interval."""
    rows = [("sticker", success.sticker), *sorted(success.controls.items(), key=lambda item: -item[1].value)]
    best = success.beyond.control if success.beyond else ""
    return _dots(
        name, "Success with 95 % intervals", [(f"{who} (best control)" if who == best else who, value) for who, value in rows]
    )


def ablation(whole: Success, variants: Sequence[Variant], name: str) -> Markup:
    """The success of the sticker beside those optimised without one part of the method."""
    rows = [("full method", whole.sticker), *((each.name, main(each).sticker) for each in variants)]
    return _dots(name, "Success without one part of the method, with 95 % intervals", rows)


def heat_map(cells: Sequence[CellScore], rule: Callable[[ByRule], Success | None], name: str) -> Markup:
    """The success at each distance and angle, with the number of frames that count."""
    distances = sorted({cell.distance_cm for cell in cells}, key=lambda value: (value is None, value or 0))
    angles = sorted({cell.angle_deg for cell in cells}, key=lambda value: (value is None, value or 0))
    found = {(cell.distance_cm, cell.angle_deg): rule(cell) for cell in cells}

    def draw(axes: Axes) -> None:
        for (distance, angle), success in found.items():
            if success is None:
                continue
            x, y, value = angles.index(angle), distances.index(distance), success.sticker
            if value.n:
                axes.add_patch(Rectangle((x - 0.48, y - 0.46), 0.96, 0.92, facecolor=BLUE, alpha=_DARKEST * value.value))
            axes.add_patch(Rectangle((x - 0.48, y - 0.46), 0.96, 0.92, facecolor="none", edgecolor=HAIR, linewidth=1))
            axes.text(x, y - 0.12, percent(value.value, 0) if value.n else "—", ha="center", va="center", weight="bold")
            axes.text(x, y + 0.25, f"of {value.n}", ha="center", va="center", color=QUIET, size=9.5)
        axes.set(xlim=(-0.55, len(angles) - 0.45), ylim=(len(distances) - 0.45, -0.55))
        axes.set_xticks(range(len(angles)), [angle_text(angle) for angle in angles])
        axes.set_yticks(range(len(distances)), [distance_text(distance) for distance in distances])
        axes.tick_params(length=0)
        axes.set_xlabel("angle")
        axes.set_ylabel("distance")
        for spine in axes.spines.values():
            spine.set_visible(False)

    alt = "; ".join(
        f"{distance_text(distance)} {angle_text(angle)}: {share(success.sticker)} of {success.sticker.n}"
        for (distance, angle), success in found.items()
        if success is not None
    )
    return chart(name, f"Success by distance and angle. {alt}.", _WIDTH, 60 + 44 * len(distances), draw)


def sizes(parts: Sequence[SizeScore], best: str | None, name: str) -> Markup:
    """The success of the sticker and of its best control by the width of the sign in the picture."""
    labels = [f"{part.low_px}–{part.high_px}" if part.high_px else f"≥ {part.low_px}" for part in parts]
    at = [float(k) for k in range(len(parts))]

    def scale(axes: Axes) -> None:
        axes.set_xticks(at, labels)
        axes.set(xlim=(-0.5, len(at) - 0.3))

    return _lines(name, "Success by size of the sign", "width of the sign, pixels", at, parts, best, scale)


def areas(parts: Sequence[AreaScore], best: str | None, name: str) -> Markup:
    """The success of the sticker and of its best control by the share of the sign that they cover."""
    at = [part.area for part in parts]

    def scale(axes: Axes) -> None:
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: percent(value, 0)))
        axes.xaxis.set_major_locator(MaxNLocator(6))
        axes.set(xlim=(0, 1.15 * max(at)))

    return _lines(name, "Success by area of the sticker", "share of the sign's area", at, parts, best, scale)


def convergence(points: Sequence[Checkpoint], name: str) -> Markup:
    """The success on held-out renderings by step."""
    steps, values = [point.step for point in points], [point.success for point in points]

    def draw(axes: Axes) -> None:
        axes.plot(steps, values, color=BLUE, marker="o", markersize=5)
        best = max(points, key=lambda point: (point.success, -point.loss))
        axes.axvline(best.step, color=QUIET, linestyle=":", linewidth=1.5, zorder=0)
        axes.annotate("kept", (best.step, 1.05), ha="center", va="bottom", color=QUIET, size=11, annotation_clip=False)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.set_xlabel("step")
        _shares(axes)

    alt = "; ".join(f"step {point.step}: {percent(point.success)}" for point in points)
    return chart(name, f"Success on held-out renderings by step. {alt}.", _WIDTH, 300, draw)


def _dots(name: str, title: str, rows: Sequence[tuple[str, Estimate]]) -> Markup:
    shown = [(printable(who, 34), value) for who, value in rows]

    def draw(axes: Axes) -> None:
        for y, (who, value) in enumerate(shown):
            colour, marker, face = (BLUE, "o", BLUE) if y == 0 else (ORANGE, "s", PAPER)
            axes.axhline(y, color=HAIR, linewidth=1, zorder=0)
            axes.text(0, y - 0.2, who, va="bottom", weight="bold" if y == 0 else "normal")
            axes.text(1, y - 0.2, f"{share(value)}  ({interval(value)})", ha="right", va="bottom")
            if value.n:
                axes.plot([value.low, value.high], [y, y], color=colour, linewidth=4, alpha=0.35, solid_capstyle="butt")
                axes.plot(value.value, y, marker=marker, color=colour, markerfacecolor=face, markersize=8)
        axes.set(xlim=(-0.02, 1.02), ylim=(len(shown) - 0.5, -0.85), yticks=[])
        axes.spines["left"].set_visible(False)
        axes.xaxis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: percent(value, 0)))

    alt = "; ".join(f"{who}: {share(value)}, interval {interval(value)}" for who, value in shown)
    return chart(name, f"{title}. {alt}.", _WIDTH, 40 + 50 * len(shown), draw)


def _lines(
    name: str,
    title: str,
    label: str,
    at: Sequence[float],
    parts: Sequence[ByRule],
    best: str | None,
    scale: Callable[[Axes], None],
) -> Markup:
    found = [(x, main(part)) for x, part in zip(at, parts, strict=True)]
    series = [("sticker", BLUE, "-", "o", BLUE, [(x, part.sticker) for x, part in found if part.sticker.n])]
    if best is not None:
        beside = [(x, part.controls[best]) for x, part in found if best in part.controls and part.controls[best].n]
        series.append((f"control: {printable(best, 20)}", ORANGE, "--", "s", PAPER, beside))

    def draw(axes: Axes) -> None:
        for who, colour, line, marker, face, points in series:
            if not points:
                continue
            x, values = zip(*points, strict=True)
            axes.fill_between(x, [v.low for v in values], [v.high for v in values], color=colour, alpha=0.16, linewidth=0)
            axes.plot(
                x, [v.value for v in values], color=colour, linestyle=line, marker=marker, markerfacecolor=face, label=who
            )
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2, frameon=False, fontsize=11, labelcolor=INK)
        axes.set_xlabel(label)
        _shares(axes)
        scale(axes)

    alt = "; ".join(f"{who} at {x:.3g}: {share(value)} of {value.n}" for who, *_, points in series for x, value in points)
    return chart(name, f"{title}. {alt}.", _WIDTH, 300, draw)


def _shares(axes: Axes) -> None:
    axes.set_ylim(-0.02, 1.05)
    axes.yaxis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: percent(value, 0)))
    axes.grid(axis="y", color=HAIR, linewidth=0.6, zorder=0)
    axes.set_axisbelow(True)
