import subprocess
import sys

import pytest

from robustkit.build import attack
from robustkit.errors import UsageError
from robustkit.registry import parse_spec, plugins, read_value


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
    with pytest.raises(UsageError, match="says 'steps' twice: leave one of them out"):
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
