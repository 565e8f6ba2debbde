"""Suite standard and official AutoAttack on members of the zoo, in one process: robust accuracy, time and flags."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel

from robustkit.benchmarks.bench.contest import ground_of
from robustkit.benchmarks.bench.official_autoattack import official_autoattack
from robustkit.benchmarks.bench.protocol import protocol_contender, run_suite, verdict
from robustkit.benchmarks.bench.result import Bar
from robustkit.benchmarks.planning.suite import load_suite
from robustkit.benchmarks.zoo.make import load_member, test_images
from robustkit.benchmarks.zoo.members import Member
from robustkit.errors import AttackError
from robustkit.threats import Threat

#: Robust accuracy from which a network counts as robust: both verdicts on others take seconds.
ROBUST = 0.1
#: Limits: points of robust accuracy above official AutoAttack, times faster by norm, and its share of time with remedies.
ABOVE, FASTER, SHARE = 0.1, {"linf": 12.0, "l2": 5.0}, 0.5


class Judged(BaseModel):
    """A member under a threat.

    Parameters
    ----------
    member, threat, masked
        The network, and whether it must be flagged.
    clean, standard, official
        Accuracy, and robust accuracy by suite standard and by official AutoAttack, in [0, 1]. None if it was not run: on a
        randomised network its single draws would count luck as success.
    seconds, official_seconds, passes
        Their CPU times, which other work on the machine affects little, and the forward and backward passes per image of suite standard.
    flags, remedies
        The flags that make the evidence untrustworthy or say that the network is randomised, and the signs for which remedies
        ran.
    """

    member: str
    threat: str
    masked: bool
    clean: float
    standard: float
    seconds: float
    passes: float
    official: float | None
    official_seconds: float | None
    flags: tuple[str, ...]
    remedies: tuple[str, ...]


def judge(folder: Path, member: Member, threat: Threat, limit: int, autoattack: Path | None) -> Judged:
    """Judge a member on `limit` test images; without a checkout of AutoAttack by suite standard alone.

    Raises
    ------
    AttackError
        If an attack or official AutoAttack fails.
    """
    model, data = load_member(folder, member), test_images(member.data, limit)
    ground = ground_of(model, data, threat, seed=0)
    suite = load_suite("standard").model_copy(update={"curve": None})
    start = time.process_time()
    run = run_suite(ground, suite)
    seconds = time.process_time() - start
    ours = verdict(data.ids, "suite:standard", run)
    official, official_seconds = None, None
    if autoattack is not None and model.draws == 1:
        contender = official_autoattack(ground, autoattack, protocol_contender(ground, "suite:standard"))
        start = time.process_time()
        answer = contender.run()
        official_seconds = time.process_time() - start
        theirs = answer()
        if isinstance(theirs, str):
            raise AttackError(f"official AutoAttack on {member.name}: {theirs}")
        official = float(theirs.robust.double().mean())
    return Judged(
        member=member.name,
        threat=threat.id,
        masked=member.masked,
        clean=float((run.clean["prediction"] == run.clean["label"]).mean()),
        standard=float(ours.robust.double().mean()),
        seconds=seconds,
        passes=(ours.forwards + ours.backwards) / len(data),
        official=official,
        official_seconds=official_seconds,
        flags=tuple(flag.id for flag in run.flags if flag.weakens or flag.id == "randomised"),
        remedies=run.reasons,
    )


def table(rows: Sequence[Judged]) -> str:
    """The rows as a Markdown table."""
    lines = [
        "| network | threat | clean | official | `standard` | passes | seconds | × faster | flags |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        official = "" if row.official is None else f"{100 * row.official:.1f}"
        faster = "" if row.official_seconds is None else f"{row.official_seconds / row.seconds:.1f}"
        signs = ", ".join(dict.fromkeys((*row.flags, *(f"({sign})" for sign in row.remedies if sign not in row.flags))))
        lines.append(
            f"| {row.member} | {row.threat} | {100 * row.clean:.1f} | {official} | {100 * row.standard:.1f} | {row.passes:.0f} | "
            f"{row.seconds:.1f} | {faster} | {signs} |"
        )
    return "\n".join(lines)


def bars(rows: Sequence[Judged]) -> list[Bar]:
    """The required limits; the slowest and weakest member counts."""
    compared = [(row, row.official, row.official_seconds) for row in rows if row.official is not None and row.official_seconds]
    wrong = [row for row in rows if bool(row.flags) != row.masked]
    found = [Bar(name="members with the wrong flags", value=len(wrong), limit=0, sense="at most")]
    if compared:
        worst = max(round(100 * (row.standard - official), 6) for row, official, _ in compared)
        found.append(Bar(name="most above official AutoAttack (points)", value=worst, limit=ABOVE, sense="at most"))
    for norm, limit in FASTER.items():
        fair = [
            (row, taken)
            for row, official, taken in compared
            if official >= ROBUST and not row.masked and not row.remedies and row.threat.startswith(norm)
        ]
        if fair:
            slowest = min(taken / row.seconds for row, taken in fair)
            found.append(
                Bar(name=f"times faster in {norm}, slowest robust network", value=slowest, limit=limit, sense="at least")
            )
    shares = [row.seconds / taken for row, _, taken in compared if row.remedies]
    if shares:
        found.append(Bar(name="share of its time with remedies, largest", value=max(shares), limit=SHARE, sense="at most"))
    return found
