"""``python -m robustkit.benchmarks.zoo``: train the networks, measure the attacks on them, judge suite standard on them."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from safetensors.numpy import load_file, save_file

from robustkit.benchmarks.zoo.front import table as table_of
from robustkit.benchmarks.zoo.judge import Judged, bars, judge, table
from robustkit.benchmarks.zoo.make import make
from robustkit.benchmarks.zoo.measure import measure
from robustkit.benchmarks.zoo.members import THREATS, Member, members
from robustkit.errors import ExitCode, NothingEvaluatedError, RobustkitError, UsageError
from robustkit.files import atomic, make_folder, write_text
from robustkit.threats import NormThreat, Threat

#: Stages of the walk.
STAGES = 12


def main(arguments: list[str] | None = None) -> int:
    """Run a command of the zoo; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m robustkit.benchmarks.zoo")
    parser.add_argument("command", choices=("make", "front", "judge"))
    parser.add_argument("names", nargs="*", help="members; all by default")
    parser.add_argument("-o", "--out", type=Path, default=Path("runs/zoo"), help="folder of the networks")
    parser.add_argument("--half", choices=("choose", "report"), help="members on which the suites were designed, or are judged")
    parser.add_argument("--norm", choices=("linf", "l2"), help="only threats of this norm")
    parser.add_argument("--limit", type=int, default=500, help="test images")
    parser.add_argument("--autoattack", type=Path, help="a checkout of fra31/auto-attack, to compare with")
    given = parser.parse_args(arguments)
    try:
        if given.limit < 1:
            raise UsageError(f"--limit {given.limit} must be at least 1: the number of test images")
        if given.command == "make":
            make(given.out, tuple(given.names), note)
            return ExitCode.PASSED
        return front_of(given) if given.command == "front" else judge_all(given)
    except RobustkitError as error:
        note(f"error: {error}")
        return error.exit_code


def front_of(given: argparse.Namespace) -> ExitCode:
    """Measure every candidate on the ordinary members, print what each finds and the walk; a measurement is not repeated."""
    make_folder(given.out / "measured")
    networks = {}
    for member, threat in chosen(given, [member for member in named(given) if not member.masked]):
        path = given.out / "measured" / f"{member.name}-{threat.norm}.safetensors"
        if not path.exists():
            found = measure(given.out, member, threat, given.limit, note)
            with atomic(path) as partial:
                save_file(found, partial)
        networks[path.stem] = load_file(path)
    print(table_of(networks, STAGES))
    return ExitCode.PASSED


def named(given: argparse.Namespace) -> list[Member]:
    """The members of the command."""
    return members(given.half, tuple(given.names))


def chosen(given: argparse.Namespace, among: Sequence[Member]) -> Iterator[tuple[Member, NormThreat]]:
    """The members and their threats.

    Raises
    ------
    NothingEvaluatedError
        If there are no members.
    """
    if not among:
        raise NothingEvaluatedError(f"no member is left for {given.command}: give other names, or another --half")
    for member in among:
        for threat in map(Threat.parse, THREATS[member.data]):
            assert isinstance(threat, NormThreat)
            if given.norm in (None, threat.norm):
                yield member, threat


def judge_all(given: argparse.Namespace) -> ExitCode:
    """Judge the members, print the table and the limits; a judgement on disk is not repeated."""
    rows = []
    make_folder(given.out / "judged")
    due = list(chosen(given, named(given)))
    missing = sum(not judged_file(given, member, threat).exists() for member, threat in due)
    start, done = time.monotonic(), 0
    for member, threat in due:
        path = judged_file(given, member, threat)
        if not path.exists():
            left = f", {(missing - done) * (time.monotonic() - start) / done / 60:.0f} min left" if done else ""
            done += 1
            note(f"judging {member.name} under {threat.id} ({done} of {missing}{left})")
            write_text(path, judge(given.out, member, threat, given.limit, given.autoattack).model_dump_json(indent=2) + "\n")
        rows.append(Judged.model_validate_json(path.read_bytes()))
        note(table(rows[-1:]).splitlines()[-1])
    print(table(rows))
    print()
    for bar in bars(rows):
        print(f"{'met' if bar.met else 'not met'}: {bar.name} {bar.value:.3g}, {bar.sense} {bar.limit:g}")
    return ExitCode.PASSED if all(bar.met for bar in bars(rows)) else ExitCode.GATE_FAILED


def judged_file(given: argparse.Namespace, member: Member, threat: NormThreat) -> Path:
    """Where the judgement of a member under a threat is kept."""
    path: Path = given.out / "judged" / f"{member.name}-{threat.norm}.json"
    return path


def note(line: str) -> None:
    """Print a line to stderr."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
