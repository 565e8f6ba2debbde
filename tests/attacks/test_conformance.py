"""Every registered attack keeps the contract, under every threat it answers."""

import pytest

from robustkit.build import attack
from robustkit.conformance import check_attack
from robustkit.registry import plugins


@pytest.mark.parametrize("name", [name for name, plugin in plugins("attacks").items() if plugin.distribution == "robustkit"])
def test_keeps_the_contract(name):
    assert [str(finding) for finding in check_attack(attack(name))] == []


def test_gaussian_noise_keeps_the_contract():
    assert [str(finding) for finding in check_attack(attack("noise", kind="gaussian"), classes=(3,))] == []
