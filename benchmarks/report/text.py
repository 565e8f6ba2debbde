"""The terminal's view of a summary: the verdict first, then the numbers behind it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from robustkit.benchmarks.report.words import (
    UPPER_BOUND,
    answer,
    attack_share,
    count,
    interval,
    label,
    outcome_word,
    passes,
    percent,
    robust_interval,
    robust_share,
    seconds,
    share,
    short,
    spent,
    unanswered,
)
from robustkit.benchmarks.summary import AttackPart, Outcome, Summary, ThreatPart
from robustkit.printable import one_line

_STYLES: dict[Outcome, tuple[str, str]] = {
    "passed": ("✓", "bold green"),
    "failed": ("✕", "bold red"),
    "inconclusive": ("?", "bold yellow"),
    "untrusted": ("▲", "bold yellow"),
    "incomplete": ("◕", "bold yellow"),
    "measured": ("●", "bold blue"),
    "nothing": ("○", "bold"),
}


def terminal(summary: Summary, report: Path | None = None) -> RenderableType:
    """A summary as a rich renderable.

    Parameters
    ----------
    summary
        The run. Markup and control characters in its names are not interpreted.
    report
        The path of the report, printed last.
    """
    mark, style = _STYLES[summary.verdict.outcome]
    parts: list[RenderableType] = [
        Text.assemble((f"{mark} {outcome_word(summary.verdict.outcome)}", style), "  ", one_line(answer(summary.verdict))),
        Text(),
        Text(f"Clean {share(summary.clean)} ({interval(summary.clean)}), {count(summary.clean.n)} samples"),
    ]
    for threat in summary.threats:
        parts += _threat(threat)
    for gate in summary.gates:
        mark, style = _STYLES[gate.outcome]
        parts.append(Text.assemble((f"{mark} {gate.outcome}", style), f"  {one_line(gate.id)}: {one_line(gate.sentence)}"))
    if summary.gates:
        parts.append(Text())
    if report is not None:
        parts.append(Text(f"Report: {one_line(report, 5000)}", overflow="fold"))
    return Group(*parts)


def _threat(threat: ThreatPart) -> list[RenderableType]:
    line = Text.assemble(
        f"Robust {robust_share(threat)} ({robust_interval(threat)}) at ", (one_line(threat.id), "bold"), f", {UPPER_BOUND}"
    )
    parts: list[RenderableType] = [line]
    if threat.errors:
        parts.append(Text(f"◕ {unanswered(threat)}", style="yellow"))
    if threat.non_adaptive is not None:
        value = share(threat.non_adaptive.robust_accuracy)
        parts.append(Text(f"       {value} if the attacks ignore the defense, which a real attacker need not do", style="dim"))
    if threat.attacks:
        parts.append(_Attacks(threat))
        parts.append(Text(f"Passes: {spent(threat) or 'none'}", style="dim"))
    if threat.corruption_error is not None:
        error = threat.corruption_error
        worst = max(error.corruptions, key=lambda one: one.error)
        parts.append(
            Text(
                f"Mean corruption error {percent(error.mean)} over {len(error.corruptions)} corruptions at "
                f"{len(error.severities)} severities (clean error {percent(error.clean.value)}), worst {worst.kind} "
                f"{percent(worst.error)}"
            )
        )
    parts += [
        Text(
            f"Nearest adversarial image by {one_line(part.spec)}: median distance {short(part.median)}, found for {count(part.found)}"
        )
        for part in threat.minimal
        if part.median is not None
    ]
    parts += [
        Text(f"◕ {one_line(attack.spec)} {attack.status}: {one_line(attack.message or 'no message')}", style="yellow")
        for attack in threat.attacks
        if attack.status != "complete"
    ]
    for flag in threat.flags:
        mark, style = ("▲ weakens the evidence:", "yellow") if flag.weakens else ("● note:", "")
        parts.append(Text.assemble((mark, style), " ", one_line(flag.sentence)))
    return [*parts, Text()]


#: Columns dropped on a narrow terminal, in this order. The report has them all.
_SPARE = ("passes per sample", "evaluated", "new", "time", "success")
#: Minimum width of the attack column; below it, another column is dropped.
_NAME = 14


@dataclass(frozen=True)
class _Attacks:
    """The table of a threat's attacks, with as many columns as fit the console."""

    threat: ThreatPart

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        rows = [self._row(attack) for attack in self.threat.attacks]
        titles = list(rows[0])
        for spare in ("", *_SPARE):
            titles = [title for title in titles if title != spare]
            widths = [max(len(title), *(len(row[title]) for row in rows)) for title in titles]
            widths[0] = min(widths[0], _NAME)
            if sum(widths) + 2 * (len(widths) - 1) <= options.max_width:
                break
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
        table.add_column("attack", overflow="fold")
        for title in titles[1:]:
            table.add_column(title, justify="right", no_wrap=True)
        for row in rows:
            table.add_row(*(Text(row[title]) for title in titles))
        yield table

    def _row(self, attack: AttackPart) -> dict[str, str]:
        control = " (control)" if attack.role == "control" else ""
        return {
            "attack": one_line(label(attack, self.threat.attacks)) + control,
            "evaluated": count(attack.evaluated),
            "robust": attack_share(attack),
            "success": percent(attack.success_rate.value) if attack.evaluated else "—",
            "new": count(attack.decided),
            "time": seconds(attack.seconds),
            "passes per sample": short(passes(attack)),
        }
