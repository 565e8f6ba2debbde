"""Formatting of numbers, names and outcomes in the report."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from robustkit.benchmarks.statistics import Estimate
from robustkit.benchmarks.summary import AttackPart, Outcome, ThreatPart, Verdict

UPPER_BOUND = "upper bound: as strong as the attacks"


def percent(share: float, digits: int = 1) -> str:
    """``0.472`` as ``47.2 %``, with a no-break space."""
    return f"{100 * share:.{digits}f}\N{NO-BREAK SPACE}%" if math.isfinite(share) else "—"


def share(estimate: Estimate) -> str:
    """The value of an estimate, or a dash if it covers no samples."""
    return percent(estimate.value) if estimate.n else "—"


def attack_share(attack: AttackPart) -> str:
    """The robust accuracy after an attack, or a dash if some of its samples have no valid result."""
    return "—" if attack.errors else share(attack.robust_accuracy)


def robust_share(threat: ThreatPart) -> str:
    """Robust accuracy; a range if some samples have no valid result."""
    known = share(threat.robust_accuracy)
    return f"{known} to {share(threat.at_most)}" if threat.errors else known


def robust_interval(threat: ThreatPart) -> str:
    """The interval of robust accuracy; of a range, from the lower end's lower bound to the upper end's upper bound."""
    low, high = threat.robust_accuracy, threat.at_most
    return f"{100 * low.low:.1f}–{percent(high.high)}" if low.n else "—"


def unanswered(threat: ThreatPart) -> str:
    """How samples without a valid result were counted; empty if there are none."""
    if not threat.errors:
        return ""
    return (
        f"{count(threat.errors)} of {count(threat.robust_accuracy.n)} samples have no valid result; they count neither as robust "
        "nor as successfully attacked."
    )


def interval(estimate: Estimate) -> str:
    """The interval of an estimate: ``44.1–50.3 %``."""
    return f"{100 * estimate.low:.1f}–{percent(estimate.high)}" if estimate.n else "—"


def count(number: float) -> str:
    """A whole number with thin spaces between thousands."""
    return f"{number:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def short(number: float) -> str:
    """Three significant digits, without an exponent where possible."""
    if not math.isfinite(number):
        return "—"
    return count(number) if abs(number) >= 999.5 else f"{number:.3g}"


def seconds(duration: float) -> str:
    """``0.42 s``, ``73 s``, ``12 min``, ``3.1 h``."""
    if duration < 120:
        return f"{short(duration)}\N{NO-BREAK SPACE}s" if duration < 10 else f"{duration:.0f}\N{NO-BREAK SPACE}s"
    return f"{duration / 60:.0f}\N{NO-BREAK SPACE}min" if duration < 7200 else f"{duration / 3600:.1f}\N{NO-BREAK SPACE}h"


def when(moment: str) -> str:
    """An ISO 8601 moment to the minute in UTC; any other text as it is."""
    try:
        read = datetime.fromisoformat(moment)
    except ValueError:
        return moment
    return f"{read.astimezone(UTC) if read.tzinfo else read:%Y-%m-%d %H:%M}{' UTC' if read.tzinfo else ''}"


def passes(attack: AttackPart) -> float:
    """Forward and backward passes per evaluated sample; 0 if no sample was evaluated."""
    return (attack.forwards + attack.backwards) / attack.evaluated if attack.evaluated else 0.0


def spent(threat: ThreatPart) -> str:
    """What the passes under a threat were spent on: ``91 612 for the verdict, 2 273 for the control, …``."""
    words = {
        "verdict": "the verdict",
        "control": "the control",
        "curve": "the curve",
        "non_adaptive": "the non-adaptive attack",
    }
    each = [f"{count(getattr(threat.passes, name))} for {what}" for name, what in words.items() if getattr(threat.passes, name)]
    return ", ".join(each)


def flat(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """The leaves of nested settings as (dotted key, text)."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from flat(inner, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list | tuple):
        yield key, ", ".join(str(v) for v in value)
    else:
        yield key, "" if value is None else str(value)


def label(attack: AttackPart, attacks: list[AttackPart]) -> str:
    """The attack's name, or its full spec if the name is ambiguous."""
    return attack.spec if sum(other.name == attack.name for other in attacks) > 1 else attack.name


_WORDS: dict[Outcome, str] = {
    "passed": "Passed",
    "failed": "Failed",
    "inconclusive": "Inconclusive",
    "untrusted": "Not trustworthy",
    "incomplete": "Incomplete",
    "measured": "Measured, no gate set",
    "nothing": "Nothing evaluated",
}


def outcome_word(outcome: Outcome) -> str:
    """The outcome as a heading."""
    return _WORDS[outcome]


def answer(verdict: Verdict) -> str:
    """The verdict's sentence without its leading outcome word, for display beside that word."""
    word = outcome_word(verdict.outcome)
    if not verdict.sentence.startswith(word):
        return verdict.sentence
    rest = verdict.sentence.removeprefix(word).lstrip(": ")
    return rest[:1].upper() + rest[1:]
