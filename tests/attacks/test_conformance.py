"""Every registered attack keeps the contract, under every threat it answers."""

import pytest
import torch
from torch import nn

from robustkit import InputSpec, Model, UsageError
from robustkit.build import attack
from robustkit.conformance.attack import check_attack
from robustkit.registry import plugins
from robustkit.threats import Threat
from robustkit.universal import UniversalAttack

#: It runs on surrogates alone, which must have the classes of each model: tests/attacks/transfer/test_conformance.py.
ELSEWHERE = {"apgd-transfer"}
NAMES = [name for name, plugin in plugins("attacks").items() if plugin.distribution == "robustkit" and name not in ELSEWHERE]


@pytest.mark.parametrize("name", NAMES)
def test_keeps_the_contract(name):
    assert [str(finding) for finding in check_attack(attack(name))] == []


def test_gaussian_noise_keeps_the_contract():
    assert [str(finding) for finding in check_attack(attack("noise", kind="gaussian"), classes=(3,))] == []


@pytest.mark.parametrize("name", NAMES)
def test_no_samples_give_no_results(name):
    built, known = attack(name), plugins("threats")
    model = Model(nn.Sequential(nn.Flatten(), nn.Linear(3 * 12 * 10, 4)), spec=InputSpec(), device="cpu")
    for kind in built.info.threats:
        threat = Threat.parse(known[kind].load().example(kind))
        if isinstance(built, UniversalAttack):
            with pytest.raises(UsageError, match="needs images to fit on"):
                built(model, torch.zeros(0, 3, 12, 10), torch.zeros(0, dtype=torch.int64), threat)
        else:
            assert len(built(model, torch.zeros(0, 3, 12, 10), torch.zeros(0, dtype=torch.int64), threat).success) == 0
