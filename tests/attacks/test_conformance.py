"""Every registered attack keeps the contract, under every threat it answers."""

import pytest

from robustkit.build import attack
from robustkit.conformance.attack import check_attack
from robustkit.registry import plugins

#: It runs on surrogates alone, which must have the classes of each model: tests/attacks/transfer/test_conformance.py.
ELSEWHERE = {"apgd-transfer"}
NAMES = [name for name, plugin in plugins("attacks").items() if plugin.distribution == "robustkit" and name not in ELSEWHERE]


@pytest.mark.parametrize("name", NAMES)
def test_keeps_the_contract(name):
    assert [str(finding) for finding in check_attack(attack(name))] == []


def test_gaussian_noise_keeps_the_contract():
    assert [str(finding) for finding in check_attack(attack("noise", kind="gaussian"), classes=(3,))] == []
