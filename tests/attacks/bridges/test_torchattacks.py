import pytest

from robustkit.build import attack
from robustkit.errors import UsageError
from robustkit.registry import bridges, find
from robustkit.threats import Threat

pytest.importorskip("torchattacks")
LIBRARY = bridges("attacks")["torchattacks"].load()


@pytest.mark.parametrize(
    "spec",
    [
        "torchattacks/PGD:steps=3",
        "torchattacks/APGD:steps=3",
        "torchattacks/FAB:steps=3",
        "torchattacks/CW:steps=3",
        "torchattacks/GN",
    ],
)
def test_keeps_the_contract(spec, findings):
    assert findings(attack(spec)) == []


def test_success_on_a_linear_model_is_exactly_the_closed_form(linear_model, linear_data):
    result = attack("torchattacks/PGD:steps=10")(linear_model, *linear_data, Threat.parse("linf:0.105"))
    assert result.success.tolist() == [True] * 10 + [False] * 10
    assert (result.forwards[:10] == 12).all()
    assert (result.backwards == 10).all()


@pytest.mark.parametrize("name", LIBRARY.names())
def test_every_class_is_a_plugin(name):
    plugin = find("attacks", f"torchattacks/{name}").load()
    assert plugin.info.threats
    assert attack(f"torchattacks/{name}").library.startswith("torchattacks ")


def test_errors_are_one_sentence(linear_model, linear_data):
    with pytest.raises(UsageError, match="unknown: did you mean"):
        attack("torchattacks/PDG")
    with pytest.raises(UsageError, match="takes 'eps' from the threat"):
        attack("torchattacks/PGD:eps=0.1")
    with pytest.raises(UsageError, match="does not support l1 threats"):
        attack("torchattacks/PGD")(linear_model, *linear_data, Threat.parse("l1:1"))
