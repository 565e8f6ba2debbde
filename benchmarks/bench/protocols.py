"""Our suites compared with official AutoAttack: autoattack must give the same result, standard a similar one in a tenth the time."""

from __future__ import annotations

from pathlib import Path

from robustkit.benchmarks.bench.contest import contest
from robustkit.benchmarks.bench.lineup import BESIDE_AUTOATTACK
from robustkit.benchmarks.bench.official_autoattack import NAME
from robustkit.benchmarks.bench.result import Bar, Bench, Entry
from robustkit.benchmarks.bench.timing import Rounds
from robustkit.contracts.model import Model
from robustkit.data.base import Data
from robustkit.errors import AttackError
from robustkit.threats import Threat

#: Limits in percentage points of robust accuracy.
SAME, ABOVE = 0.2, 0.1
#: Limits relative to official AutoAttack's time.
FASTER, SHARE = 2.0, 0.1


def protocols(model: Model, data: Data, threat: Threat, rounds: Rounds, *, autoattack: Path, seed: int = 0) -> Bench:
    """Run suites autoattack and standard and, from a checkout, official AutoAttack, interleaved.

    Raises
    ------
    UsageError
        If the path is not a checkout of it, or AutoAttack does not support the threat.
    AttackError
        If official AutoAttack fails on this model.
    """
    bench = contest(model, data, threat, rounds, attacks=BESIDE_AUTOATTACK, autoattack=autoattack, seed=seed)
    if bench.skipped:
        raise AttackError(f"official AutoAttack {bench.skipped[0].reason}")
    by_name = {entry.name: entry for entry in bench.entries}
    bars = against_official(*(by_name[name] for name in (*BESIDE_AUTOATTACK, NAME)))
    return bench.model_copy(update={"case": "protocols", "bars": bars})


def against_official(autoattack: Entry, standard: Entry, official: Entry) -> list[Bar]:
    """The bars on differences in robust accuracy, in percentage points, and on times."""
    return [
        Bar(
            name=f"difference in robust accuracy, {autoattack.name} vs. official AutoAttack (points)",
            value=abs(points(autoattack, official)),
            limit=SAME,
            sense="at most",
        ),
        Bar.of_times(
            f"speed-up over official AutoAttack: {autoattack.name}", official.runs, autoattack.runs, FASTER, "at least"
        ),
        Bar(
            name=f"excess of robust accuracy, {standard.name} over official AutoAttack (points)",
            value=points(standard, official),
            limit=ABOVE,
            sense="at most",
        ),
        Bar.of_times(f"time relative to official AutoAttack: {standard.name}", standard.runs, official.runs, SHARE, "at most"),
    ]


def points(ours: Entry, theirs: Entry) -> float:
    """The difference in robust accuracy in percentage points, rounded to remove floating-point noise."""
    assert ours.robust_accuracy is not None
    assert theirs.robust_accuracy is not None
    return round(100 * (ours.robust_accuracy - theirs.robust_accuracy), 6)
