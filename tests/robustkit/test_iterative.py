from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from robustkit import Threat, UsageError
from robustkit.build import attack
from robustkit.contracts.rows import join, put, select
from robustkit.engine.stepping import State


@dataclass(kw_only=True)
class Two(State):
    count: Tensor
    note: str = "kept"


def rows(*values):
    return Two(x_adv=torch.tensor(values).float()[:, None, None, None], count=torch.tensor(values))


def test_rows_are_selected_joined_and_replaced():
    state = rows(1, 2, 3)
    assert select(state, torch.tensor([2, 0])).count.tolist() == [3, 1]
    assert join(state, rows(4)).count.tolist() == [1, 2, 3, 4]
    replaced = put(state, torch.tensor([1]), rows(9))
    assert replaced.count.tolist() == [1, 9, 3]
    assert replaced.x_adv.flatten().tolist() == [1, 9, 3]
    assert replaced.note == "kept"
    assert state.count.tolist() == [1, 2, 3]


def test_cost_counts_clean_pass_and_verification():
    threat = Threat.parse("linf:0.1")
    assert attack("pgd", steps=10).cost(threat, 10) == (12, 10)
    assert attack("noise", steps=10).cost(threat, 10) == (12, 0)
    with pytest.raises(UsageError, match="steps=0"):
        attack("bim", steps=0)
