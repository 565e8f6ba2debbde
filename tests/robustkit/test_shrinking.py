from dataclasses import dataclass

import pytest
import torch

from robustkit.build import attack
from robustkit.contracts.rows import select
from robustkit.shrinking import Known, ShrinkingAttack


def test_known_images_are_rows():
    known = Known(x_adv=torch.rand(3, 1, 2, 2), margin=torch.arange(3.0), clean_margin=-torch.arange(3.0))
    part = select(known, torch.tensor([2, 0]))
    assert torch.equal(part.x_adv, known.x_adv[[2, 0]])
    assert part.margin.tolist() == [2, 0]


def test_the_contract_is_one_method_beside_an_attacks_own():
    @dataclass(frozen=True, kw_only=True)
    class Lacking(ShrinkingAttack):
        pass

    with pytest.raises(TypeError, match="abstract"):
        Lacking()
    assert isinstance(attack("shrink", shares=(0.1,)), ShrinkingAttack)
