"""attacks, defenses and plugins on the command line."""

import dataclasses
import sys
from importlib.metadata import EntryPoint
from types import SimpleNamespace
from typing import ClassVar

import pytest

import robustkit.build
from robustkit.cli import plugins
from robustkit.conformance.attack import Finding
from robustkit.contracts.attack import Attack, AttackInfo
from robustkit.errors import UsageError
from robustkit.registry import Plugin


def test_the_list_ends_with_the_libraries(capsys):
    plugins.defenses_list()
    out = capsys.readouterr().out
    assert "jpeg" in out
    assert "defenses of adversarial-robustness-toolbox" in out.splitlines()[-1]
    plugins.bridged("attacks")
    lines = capsys.readouterr().out.split()
    assert {"art/CLASS:", "foolbox/CLASS:", "torchattacks/CLASS:"} <= set(lines)


def test_a_librarys_classes_are_listed_and_shown(capsys):
    plugins.attacks_list("art/")
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("art/BasicIterativeMethod"))
    assert row.split()[1:4] == ["linf", "white-box", "both"]
    plugins.attacks_show("art/BasicIterativeMethod")
    out = capsys.readouterr().out
    assert "max_iter=100" in out
    assert "1607.02533" in out
    with pytest.raises(UsageError, match="did you mean 'art'"):
        plugins.attacks_list("arts")


def test_a_missing_library_is_named_with_its_cure(capsys, monkeypatch):
    from robustkit.registry import bridges

    library = bridges("attacks")["foolbox"].load()
    monkeypatch.setattr(type(library), "version", None)
    plugins.bridged("attacks")
    assert "foolbox is not installed (pip install 'robustkit[peers]')" in capsys.readouterr().out
    with pytest.raises(UsageError, match=r"robustkit\[peers\]"):
        plugins.attacks_list("foolbox")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Leaves(Attack):
    """An attack that ends the program, when it is built or when it is called."""

    info: ClassVar[AttackInfo] = AttackInfo(
        name="leaves", threats=("linf",), knowledge="white-box", targeted=False, cost="", paper=""
    )
    early: bool = False

    def __post_init__(self):
        if self.early:
            sys.exit(0)

    def run(self, *args):
        sys.exit(0)


@pytest.mark.parametrize("early", [True, False])
def test_a_plugin_that_ends_the_program_does_not_end_the_check(capsys, monkeypatch, early):
    chosen = [SimpleNamespace(name=name, distribution="mine") for name in ("leaves", "noise")]
    monkeypatch.setattr(plugins, "registered", lambda group: chosen if group == "attacks" else [])
    built = robustkit.build.attack
    monkeypatch.setattr("robustkit.build.attack", lambda name: Leaves(early=early) if name == "leaves" else built(name))
    assert plugins.plugins_check("mine") == 1
    out = capsys.readouterr().out
    assert "it ended the program (sys.exit(0))" in out
    assert "noise: keeps the contract" in out


@pytest.mark.parametrize("group", ["attacks", "defenses"])
def test_a_plugin_that_cannot_be_imported_does_not_hide_the_others(capsys, monkeypatch, group):
    broken = Plugin("broken", group, EntryPoint("broken", "nowhere:Nothing", f"robustkit.{group}"), "mine", "1")
    known = list(plugins.registered(group))[:2]
    monkeypatch.setattr(plugins, "registered", lambda group, library: [broken, *known])
    getattr(plugins, f"{group}_list")()
    out = capsys.readouterr().out
    assert "plugin 'broken' (nowhere:Nothing) cannot be imported" in out
    assert known[0].name in out


def test_a_plugin_that_cannot_be_built_does_not_pass(capsys, monkeypatch):
    def refuse(name):
        raise UsageError(f"attack {name!r} needs budget=: give it a value")

    monkeypatch.setattr("robustkit.build.attack", refuse)
    assert plugins.plugins_check("fgsm") == 1
    out = capsys.readouterr().out
    assert "fgsm: 1 finding\n" in out
    assert "needs budget=" in out


def test_threats_and_defenses_are_listed_and_checked(capsys):
    plugins.plugins_list()
    rows = [line.split()[:2] for line in capsys.readouterr().out.splitlines()]
    assert [row for row in rows if row[0] == "brightness"] == [["brightness", "attack"], ["brightness", "threat"]]
    for name, said in (("linf", "threat linf: keeps the contract"), ("jpeg", "defense jpeg: keeps the contract")):
        assert plugins.plugins_check(name) == 0
        assert said in capsys.readouterr().out
    with pytest.raises(UsageError, match="no plugin is registered by 'nobody'"):
        plugins.plugins_check("nobody")


def test_what_is_found_again_is_told_once():
    one, other = Finding("result", "linf:0.1", "it crashed"), Finding("seed", "linf:0.1", "it differs")
    assert plugins.merged([one, other, one, one]) == [f"{one} (and 2 more times)", str(other)]
