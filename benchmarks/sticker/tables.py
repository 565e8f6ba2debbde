"""RP2's tables as text and Markdown: success by distance and angle, by size, by run, and predicted beside photographed."""

from __future__ import annotations

from dataclasses import dataclass

from robustkit.benchmarks.bench.markdown import escaped, row
from robustkit.benchmarks.report.words import percent
from robustkit.benchmarks.statistics import Difference, Estimate
from robustkit.benchmarks.sticker.gap import Gap, RuleGap
from robustkit.benchmarks.sticker.scoring import ByRule, CellScore, Score, Success
from robustkit.benchmarks.sticker.video import VideoScore

NO_CONTROL = "no control was photographed, so nothing shows that a sticker of any pattern would not do the same"


@dataclass(frozen=True)
class Table:
    """A table with a title, one text per column and row."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def text(self) -> str:
        """The table in columns of a fixed width."""
        lines = [self.head, *self.rows]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.head))]
        shown = ("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in lines)
        return "\n".join([self.title, *shown])

    def markdown(self) -> str:
        """The table in Markdown."""
        lines = [self.head, ("---",) * len(self.head), *(tuple(map(escaped, line)) for line in self.rows)]
        return "\n".join([escaped(self.title), "", *(row(list(line)) for line in lines)])


def headline(score: Score) -> list[str]:
    """How many photos count, and the success of the sticker beyond the best control by each rule, in sentences."""
    counted = (
        f"{score.counted} of {score.frames} photos of the sticker count: the clean partner of {score.misclassified} is misclassified, "
        f"{score.unpaired} have none"
    )
    clean = f"the clean sign is correctly classified in {counts(score.clean)}"
    return [f"{counted}; {clean}.", *(f"{name}: {beyond_control(success)}." for name, success in _rules(score))]


def beyond_control(success: Success) -> str:
    """The success of the sticker and how far it exceeds that of the best control, as a clause."""
    beyond = success.beyond
    if beyond is None:
        return f"sticker {counts(success.sticker)}; {NO_CONTROL}"
    whole = (
        ""
        if beyond.sticker == success.sticker
        else f"sticker {counts(success.sticker)}; where the control was photographed too, "
    )
    compared = f"{whole}sticker {counts(beyond.sticker)}, best control ({beyond.control}) {counts(beyond.best)}"
    doubt = "" if beyond.proven else "; not proven to be better than the control"
    return f"{compared}, {points(beyond.difference)} beyond it, p = {beyond.p:.2g} (exact McNemar){doubt}"


def subjects(score: ByRule) -> Table:
    """The success of the sticker and of every control."""
    rules = [(name.lower(), success) for name, success in _rules(score)]
    return _by_subject("Success by subject", rules)


def cells(score: Score) -> list[Table]:
    """For each rule the success at each distance (rows) and angle (columns), beside that of the best control."""
    distances = list(dict.fromkeys(cell.distance_cm for cell in score.cells))
    angles = sorted({cell.angle_deg for cell in score.cells}, key=lambda angle: (angle is None, angle or 0))
    tables = []
    for name, whole in _rules(score):
        best = _best(whole)
        found = {(cell.distance_cm, cell.angle_deg): _cell(cell, name, best) for cell in score.cells}
        rows = [(distance_text(distance), *(found.get((distance, angle), "—") for angle in angles)) for distance in distances]
        tables.append(
            Table(f"{name} success by distance and angle{_versus(best)}", ("", *map(angle_text, angles)), tuple(rows))
        )
    return tables


def sizes(score: Score) -> list[Table]:
    """For each rule the success by the size of the sign in the photo, beside that of the best control."""
    tables = []
    for name, whole in _rules(score):
        best = _best(whole)
        rows = [(_span(size.low_px, size.high_px), _pair(dict(_rules(size))[name], best)) for size in score.sizes]
        tables.append(Table(f"{name} success by size of the sign{_versus(best)}", ("size", "success"), tuple(rows)))
    return tables


def runs(score: VideoScore) -> list[Table]:
    """For each rule every run that counts, and the sticker beside the controls over the runs."""
    vote = f"most of {score.window} consecutive frames"
    tables = []
    for name, rule in (("Untargeted", score.untargeted), ("Targeted", score.targeted)):
        if rule is None:
            continue
        head = ("", "run", "frames", "successful", "longest sequence", vote)
        rows = [
            (
                run.subject,
                f"{run.light} {run.run}".strip(),
                f"{run.frames}",
                _whole(run.share),
                f"{run.longest}",
                _whole(run.voted),
            )
            for run in rule.runs
        ]
        over = _by_subject(f"{name} success over runs", [("in most frames", rule.majority), (f"in {vote}", rule.vote)])
        shares = ("mean share of frames", *(_percents(rule.share[subject]) for subject, *_ in over.rows))
        widened = zip((over.head, *over.rows), shares, strict=True)
        lines = [(*line, share) for line, share in widened]
        tables += [Table(f"{name} success by run", head, tuple(rows)), Table(over.title, lines[0], tuple(lines[1:]))]
    return tables


def gaps(gap: RuleGap, rule: str) -> Table:
    """Predicted beside photographed success of the sticker, and the difference, for each cell and overall."""
    rows = [(distance_text(cell.distance_cm), angle_text(cell.angle_deg), *_gap(cell)) for cell in gap.cells]
    head = ("distance", "angle", "predicted", "photographed", "photographed minus predicted")
    return Table(f"Simulation gap of {rule} success", head, (*rows, ("all", "all", *_gap(gap.overall))))


def counts(share: Estimate) -> str:
    """``36/40 90 % (77–96)``, or a dash without samples."""
    return f"{round(share.value * share.n)}/{share.n} {_percents(share)}" if share.n else "—"


def points(difference: Difference) -> str:
    """``+88 points (+71 to +95)``, or a dash without samples."""
    if not difference.n:
        return "—"
    value, low, high = (f"{round(100 * share):+d}" for share in (difference.value, difference.low, difference.high))
    return f"{value} points ({low} to {high})"


def distance_text(distance_cm: float | None) -> str:
    """A distance as ``3.05 m``."""
    return "—" if distance_cm is None else f"{distance_cm / 100:.4g}\N{NO-BREAK SPACE}m"


def angle_text(angle_deg: float | None) -> str:
    """An angle as ``15°``."""
    return "—" if angle_deg is None else f"{angle_deg:g}°"


def _rules(score: ByRule) -> list[tuple[str, Success]]:
    return [("Untargeted", score.untargeted), *([("Targeted", score.targeted)] if score.targeted else [])]


def _by_subject(title: str, columns: list[tuple[str, Success]]) -> Table:
    rows = [("sticker", *(counts(success.sticker) for _, success in columns))]
    rows += [(name, *(counts(success.controls[name]) for _, success in columns)) for name in columns[0][1].controls]
    return Table(title, ("", *(name for name, _ in columns)), tuple(rows))


def _best(success: Success) -> str | None:
    return success.beyond.control if success.beyond else None


def _versus(control: str | None) -> str:
    return f"; control: {control}" if control else "; no control"


def _cell(cell: CellScore, rule: str, control: str | None) -> str:
    success = dict(_rules(cell))[rule]
    return _pair(success, control) if success.sticker.n else f"0 of {cell.frames} count"


def _pair(success: Success, control: str | None) -> str:
    beside = success.controls.get(control or "")
    return f"{counts(success.sticker)}, control {counts(beside) if beside else '—'}"


def _gap(gap: Gap) -> tuple[str, str, str]:
    return counts(gap.predicted), counts(gap.photographed), points(gap.difference)


def _span(low: int, high: int | None) -> str:
    return f"{low} to {high} px" if high else f"from {low} px"


def _percents(share: Estimate) -> str:
    return f"{percent(share.value, 0)} ({100 * share.low:.0f}–{100 * share.high:.0f})"


def _whole(share: float) -> str:
    return percent(share, 0)
