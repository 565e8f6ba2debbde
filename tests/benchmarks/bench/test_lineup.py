"""Who takes part, in which order, beside whom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from robustkit import Threat
from robustkit.benchmarks.bench.contender import Ground
from robustkit.benchmarks.bench.lineup import line_up
from robustkit.benchmarks.bench.official_autoattack import NAME
from robustkit.errors import UsageError


def names(ground: Ground, *specs: str, **options: Any) -> list[tuple[str, str | None]]:
    chosen = {"peers": True, "autoattack": None, "adversarial_library": None} | options
    return [(each.name.partition(":")[0], each.against) for each in line_up(ground, specs, **chosen)[0]]


def test_attacks_and_suites_come_in_the_order_given_and_once(ground: Ground) -> None:
    found, skipped = line_up(
        ground, ["noise", "suite:quick", "fgsm", "noise"], peers=False, autoattack=None, adversarial_library=None
    )
    assert [(each.name, each.kind) for each in found] == [
        ("noise", "attack"), ("suite:quick", "protocol"), ("fgsm", "attack"),
    ]  # fmt: skip
    assert skipped == []


def test_peers_follow_the_attack_they_run_beside(ground: Ground, library: Path) -> None:
    found = names(ground, "noise", "fmn:steps=7", adversarial_library=library)
    assert found[:2] == [("noise", None), ("fmn", None)]
    assert ("adv_lib/fmn", "fmn:steps=7") in found[2:]
    assert all(against == "fmn:steps=7" for _, against in found[2:])
    assert names(ground, "noise", "fmn:steps=7", adversarial_library=library, peers=False) == found[:2]


def test_official_autoattack_runs_once_beside_the_suite_nearest_to_it(ground: Ground, official: Path) -> None:
    found = names(ground, "suite:standard", "suite:autoattack", autoattack=official)
    assert [against for name, against in found if name == NAME] == ["suite:autoattack"]
    found = names(ground, "suite:standard", "noise", autoattack=official)
    assert found[1] == (NAME, "suite:standard")


def test_official_autoattack_joins_nothing_else(ground: Ground, official: Path) -> None:
    with pytest.raises(UsageError, match="needs suite:autoattack or suite:standard: name one with --attacks"):
        names(ground, "fgsm", autoattack=official)


def test_what_is_unknown_or_answers_another_threat_is_refused(ground: Ground) -> None:
    with pytest.raises(UsageError, match="'pdg' is unknown"):
        names(ground, "pdg")
    with pytest.raises(UsageError, match="does not support linf"):
        names(ground, "ddn")
    assert ground.threat == Threat.parse("linf:0.105")
