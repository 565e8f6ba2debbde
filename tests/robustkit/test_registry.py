import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import EntryPoint

import pytest

from robustkit.build import attack
from robustkit.contracts.attack import Attack
from robustkit.contracts.preprocessor import Preprocessor
from robustkit.errors import UsageError
from robustkit.registry import Plugin, parse_spec, plugins, read_value


def test_built_ins_have_bare_names():
    assert {"noise", "fgsm", "bim", "pgd", "mi-fgsm", "apgd-ce", "apgd-dlr", "apgd-t"} <= plugins("attacks").keys()


def test_listing_imports_no_plugin():
    code = "import sys; from robustkit.registry import plugins; plugins('attacks'); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_unknown_names_get_a_hint():
    with pytest.raises(UsageError, match=r"did you mean .*'pgd'"):
        attack("pdg")
    with pytest.raises(UsageError, match="did you mean 'steps'"):
        attack("pgd", step=3)
    with pytest.raises(UsageError, match="steps='many' is wrong"):
        attack("pgd", steps="many")
    with pytest.raises(UsageError, match="steps=0 must be at least 1"):
        attack("pgd", steps=0)


def test_parameters_in_the_text():
    built = attack("pgd:steps=7,step_size=2/255,random_start=false")
    assert (built.steps, built.step_size, built.random_start) == (7, 2 / 255, False)
    assert attack("pgd:steps=7", steps=8).steps == 8
    assert parse_spec("noise: kind = gaussian".replace(" ", "")) == ("noise", {"kind": "gaussian"})
    with pytest.raises(UsageError, match="not a parameter"):
        parse_spec("pgd:40")


@pytest.mark.parametrize("text", ["pgd:steps=1,steps=2", "pgd:steps=1, steps =1"])
def test_a_parameter_is_said_once(text):
    with pytest.raises(UsageError, match="sets 'steps' twice: omit one of them"):
        attack(text)


@pytest.mark.parametrize(
    ("text", "value"), [("3", 3), ("0.5", 0.5), ("2/255", 2 / 255), ("true", True), ("None", None), ("gaussian", "gaussian")]
)
def test_values(text, value):
    assert read_value(text) == value


@pytest.mark.parametrize(
    "value", ["{[]:1}", "-" * 5000, "[" * 5000, "9" * 5000, "0x" + "f" * 5000, "1e1000000000", "\udc80", "\x00"]
)
def test_odd_values_are_one_short_sentence(value):
    with pytest.raises(UsageError) as caught:
        attack(f"pgd:step_size={value}")
    assert len(str(caught.value)) < 400


@dataclass(frozen=True)
class Unfinished(Attack):
    def attack(self, model, x, y, threat):
        return x


@dataclass(frozen=True)
class Nameless(Preprocessor):
    def apply(self, x, bounds):
        return x


@pytest.mark.parametrize(
    ("group", "class_", "message"),
    [
        ("attacks", Unfinished, r"plugin 'mine/it' \(.*\) lacks run: implement"),
        ("defenses", Nameless, r"has no info: give its class info = DefenseInfo\(\.\.\.\)"),
        ("attacks", dict, r"must be a dataclass whose fields are its parameters"),
    ],
)
def test_a_class_that_is_no_plugin_is_refused_when_it_is_loaded(group, class_, message, monkeypatch):
    monkeypatch.setattr(EntryPoint, "load", lambda self: class_)
    with pytest.raises(UsageError, match=message):
        Plugin("mine/it", group, EntryPoint("it", "mine:It", f"robustkit.{group}"), "mine", "1").load()
