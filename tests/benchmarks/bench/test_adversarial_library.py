"""Functions of a checkout run beside our attacks of their name, with the same parameters."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from robustkit import Threat, build
from robustkit.benchmarks.bench.adversarial_library import FUNCTIONS, library_peers
from robustkit.benchmarks.bench.contender import Ground, attack_contender
from robustkit.benchmarks.bench.contest import contest
from robustkit.benchmarks.bench.peers import written
from robustkit.benchmarks.bench.timing import Rounds
from robustkit.errors import UsageError
from robustkit.registry import parse_spec


@pytest.mark.parametrize(
    ("name", "norm", "template"),
    [(name, norm, template) for name, pairs in FUNCTIONS.items() for norms, template in pairs for norm in norms],
)
def test_a_template_asks_for_parameters_that_our_attack_has(name: str, norm: str, template: str, ground: Ground) -> None:
    attack = build.attack(name)
    assert norm in attack.info.threats
    spec = written(template, attack, replace(ground, threat=Threat.parse(f"{norm}:1")))
    peer, values = parse_spec(spec)
    assert "{" not in spec
    assert peer == template.partition(":")[0]
    assert None not in [value for key, value in values.items() if key != "levels"]


def test_a_function_joins_the_attack_of_its_name(ground: Ground, library: Path) -> None:
    bench = contest(ground.model, ground.data, ground.threat, Rounds(1), attacks=["fmn:steps=7"], adversarial_library=library)
    theirs = next(entry for entry in bench.entries if entry.name.startswith("adv_lib/fmn"))
    assert theirs.forwards == 8  # the clean pass, which tells it what to attack, and its own
    assert theirs.distance == pytest.approx(0.15)  # as far as it goes for the images it beats, more than half of them
    assert theirs.robust_accuracy == 0.5  # projected onto the ball of 0.105


@pytest.mark.parametrize(("spec", "threat"), [("noise", "linf:0.1"), ("pgd", "l2:1"), ("brightness", "brightness:0.1")])
def test_an_attack_the_library_lacks_in_a_norm_has_no_peer(ground: Ground, library: Path, spec: str, threat: str) -> None:
    ground, attack = replace(ground, threat=Threat.parse(threat)), build.attack(spec)
    assert library_peers(ground, library, attack_contender(ground, spec, attack), attack) == ([], [])


@pytest.mark.parametrize(
    ("spec", "threat", "reason"),
    [
        ("pgd:eot=3", "linf:0.1", "it has no eot"),
        ("ddn", "l2:1", "the checkout has no such function"),  # of another age
    ],
)
def test_what_the_library_lacks_is_left_out_with_its_reason(
    ground: Ground, library: Path, spec: str, threat: str, reason: str
) -> None:
    ground, attack = replace(ground, threat=Threat.parse(threat)), build.attack(spec)
    found, skipped = library_peers(ground, library, attack_contender(ground, spec, attack), attack)
    assert found == []
    (left_out,) = skipped
    assert left_out.name.endswith(f" beside {spec}")
    assert left_out.reason == reason


def test_a_path_that_is_no_checkout_is_refused(ground: Ground, tmp_path: Path) -> None:
    attack = build.attack("fmn")
    with pytest.raises(UsageError, match=r"--adversarial-library .* does not contain package 'adv_lib.attacks'"):
        library_peers(ground, tmp_path, attack_contender(ground, "fmn", attack), attack)
