"""Official AutoAttack from a checkout runs beside our suites, on what it answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from robustkit import Threat
from robustkit.benchmarks.bench.contender import Contender, Ground
from robustkit.benchmarks.bench.contest import contest
from robustkit.benchmarks.bench.official_autoattack import NAME, official_autoattack
from robustkit.benchmarks.bench.result import Bench
from robustkit.benchmarks.bench.timing import Rounds
from robustkit.errors import UsageError

SUITE = Contender("suite:standard", "protocol", lambda: lambda: "never run")


def run(ground: Ground, **options: object) -> Bench:
    return contest(ground.model, ground.data, ground.threat, Rounds(1), **options)  # type: ignore[arg-type]


def test_official_autoattack_joins_a_suite(ground: Ground, official: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bench = run(ground, attacks=["suite:standard"], autoattack=official)
    suite, theirs = bench.entries
    assert (theirs.name, theirs.kind, theirs.against) == (NAME, "peer", "suite:standard")
    assert (suite.robust_accuracy, theirs.robust_accuracy) == (0.5, 0.5)
    assert (theirs.forwards, theirs.backwards) == (1, 0)
    assert capsys.readouterr() == ("", "chatter\n")


def test_a_package_of_that_name_without_the_class_is_refused(ground: Ground, official: Path) -> None:
    (official / "autoattack" / "__init__.py").write_text("")
    with pytest.raises(UsageError, match="has no class AutoAttack: give the folder of a checkout of fra31/auto-attack"):
        official_autoattack(ground, official, SUITE)


@pytest.mark.parametrize("threat", ["l0:3", "brightness:0.1"])
def test_what_it_does_not_answer_is_refused(ground: Ground, official: Path, threat: str) -> None:
    with pytest.raises(UsageError, match=f"supports linf, l2 and l1 threats, not '{threat}': omit the option"):
        official_autoattack(replace(ground, threat=Threat.parse(threat)), official, SUITE)


def test_a_failure_is_said_in_its_own_words(ground: Ground, official: Path) -> None:
    code = official / "autoattack" / "__init__.py"
    code.write_text(code.read_text().replace('print("chatter")', "raise ValueError('two classes')"))
    assert official_autoattack(ground, official, SUITE).run()() == "fails: ValueError: two classes"
