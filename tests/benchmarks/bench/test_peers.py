"""Other libraries' versions of our attacks: the same parameters, as many passes, and a reason for whoever is missing."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from robustkit import Model, Threat, build, registry
from robustkit.benchmarks.bench.contender import Contender, Ground, attack_contender
from robustkit.benchmarks.bench.contest import contest
from robustkit.benchmarks.bench.peers import PEERS, peers_of, written
from robustkit.benchmarks.bench.timing import Rounds
from robustkit.bridge import Library
from robustkit.data.load import as_data
from robustkit.errors import UsageError
from robustkit.registry import parse_spec

TEMPLATES = [(name, template) for name, templates in PEERS.items() for template in templates]


def ours(ground: Ground, spec: str) -> Contender:
    return attack_contender(ground, spec, build.attack(spec))


@pytest.mark.parametrize(("name", "template"), TEMPLATES)
def test_a_template_asks_for_parameters_that_our_attack_has(name: str, template: str, ground: Ground) -> None:
    attack = build.attack(name)
    norm = next(norm for norm in ("linf", "l2", "l1", "l0") if norm in attack.info.threats)
    spec = written(template, attack, replace(ground, threat=Threat.parse(f"{norm}:1")))
    peer, values = parse_spec(spec)
    assert "{" not in spec
    assert peer == template.partition(":")[0]
    assert None not in values.values()


@pytest.mark.parametrize("template", [template for templates in PEERS.values() for template in templates])
def test_a_template_names_a_class_and_its_parameters(template: str, ground: Ground) -> None:
    name = next(name for name, templates in PEERS.items() if template in templates)
    library = template.partition("/")[0]
    if registry.bridges("attacks")[library].load().version is None:
        pytest.skip(f"{library} is not installed")
    attack = build.attack(name)
    assert build.attack(written(template, attack, replace(ground, threat=Threat.parse("linf:0.1")))).info.threats


@pytest.mark.parametrize("library", ["art", "foolbox", "torchattacks"])
def test_peers_run_the_same_descent(linear_model: Model, linear_data: tuple[Tensor, Tensor], library: str) -> None:
    if registry.bridges("attacks")[library].load().version is None:
        pytest.skip(f"{library} is not installed")
    state = torch.random.get_rng_state()
    ticks = itertools.count()
    bench = contest(
        linear_model,
        as_data(linear_data),
        Threat.parse("linf:0.105"),
        Rounds(1, lambda: float(next(ticks))),
        attacks=["pgd:steps=10"],
    )
    theirs = next(entry for entry in bench.entries if entry.name.startswith(library))
    assert (theirs.kind, theirs.against, theirs.ratio_to_ours) == ("peer", "pgd:steps=10", 1)
    assert theirs.robust_accuracy == 0.5
    assert theirs.backwards == 10
    assert torch.equal(state, torch.random.get_rng_state())


def test_steps_are_equal_in_the_unit_of_other_bounds(ground: Ground) -> None:
    wide = Model(ground.model.net, spec=ground.model.spec, bounds=(0, 2), device="cpu")
    threat = Threat.parse("linf:0.2")
    spec = written(
        "torchattacks/PGD:steps={steps},alpha={step_size}",
        build.attack("pgd:steps=5"),
        replace(ground, model=wide, threat=threat),
    )
    assert parse_spec(spec)[1] == {"steps": 5, "alpha": pytest.approx(2.5 * 0.1 / 5)}


def test_a_missing_library_is_left_out_with_its_reason(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Library, "version", property(lambda self: None))
    found, skipped = peers_of(ground, ours(ground, "fgsm"), build.attack("fgsm"))
    assert found == []
    assert len(skipped) == len(PEERS["fgsm"])
    assert all("not installed" in each.reason for each in skipped)


def test_a_parameter_that_a_peer_lacks_leaves_it_out(ground: Ground) -> None:
    attack = build.attack("pgd:restarts=3")
    found, skipped = peers_of(ground, ours(ground, "pgd:restarts=3"), attack)
    assert all(each.name.startswith("art/") for each in found)
    assert all("restarts" in each.reason or "not installed" in each.reason for each in skipped)
    assert skipped


def test_unknown_attacks_have_no_peers(ground: Ground) -> None:
    assert peers_of(ground, ours(ground, "noise"), build.attack("noise")) == ([], [])
    with pytest.raises(UsageError):
        build.attack("art/NoSuchAttack")
