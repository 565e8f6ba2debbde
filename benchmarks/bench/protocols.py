"""Our protocols against official AutoAttack: the same number from suite autoattack, a lower one for a tenth from standard."""

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

#: Points of robust accuracy.
SAME, ABOVE = 0.2, 0.1
#: Times of official AutoAttack's.
FASTER, SHARE = 2.0, 0.1


def protocols(model: Model, data: Data, threat: Threat, rounds: Rounds, *, autoattack: Path, seed: int = 0) -> Bench:
    """Suites autoattack and standard beside official AutoAttack from a checkout, in turns.

    Raises
    ------
    UsageError
        If the path is no checkout of it, or the threat is none that AutoAttack answers.
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
    """How far the verdicts lie apart, in points, and the times."""
    return [
        Bar(
            name=f"points of robust accuracy between {autoattack.name} and official AutoAttack",
            value=abs(points(autoattack, official)),
            limit=SAME,
            sense="at most",
        ),
        Bar.of_times(f"times faster: {autoattack.name}", official.runs, autoattack.runs, FASTER, "at least"),
        Bar(
            name=f"points of robust accuracy that {standard.name} stays above official AutoAttack",
            value=points(standard, official),
            limit=ABOVE,
            sense="at most",
        ),
        Bar.of_times(f"share of official AutoAttack's time: {standard.name}", standard.runs, official.runs, SHARE, "at most"),
    ]


def points(ours: Entry, theirs: Entry) -> float:
    """How much more robust accuracy one leaves than the other, in points, without what rounding adds."""
    assert ours.robust_accuracy is not None
    assert theirs.robust_accuracy is not None
    return round(100 * (ours.robust_accuracy - theirs.robust_accuracy), 6)
