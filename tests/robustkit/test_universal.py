from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch

from robustkit import Threat, UsageError
from robustkit.build import attack
from robustkit.contracts.attack import AttackInfo
from robustkit.universal import UniversalAttack, fold_of

SEEN = []


@dataclass(frozen=True, kw_only=True)
class Shift(UniversalAttack):
    """Notes which images it was fitted on and judged by."""

    info: ClassVar[AttackInfo] = AttackInfo(
        name="shift", threats=("linf",), knowledge="white-box", targeted=False, cost="", paper=""
    )

    def fit_to(self, model, samples, threat, seed):
        return {"ids": samples.ids}

    def apply_to(self, model, samples, threat, fitted, seed):
        SEEN.append((set(fitted["ids"].tolist()), set(samples.ids.tolist())))
        return attack("noise", steps=1).run(model, samples, threat, seed)


def test_no_image_is_judged_on_what_it_helped_to_make(linear_model, linear_data):
    SEEN.clear()
    x, y = linear_data
    result = Shift()(linear_model, x, y, Threat.parse("linf:0.05"))
    (made, judged), (made_too, judged_too) = SEEN
    assert made == judged_too
    assert made_too == judged
    assert made | judged == set(range(20))
    assert not made & judged
    alone = attack("noise", steps=1)(linear_model, x, y, Threat.parse("linf:0.05"))
    assert torch.equal(result.x_adv, alone.x_adv)


def test_the_fold_depends_on_seed_and_id_alone():
    ids = torch.arange(1000)
    fold = fold_of(ids, 0)
    assert 400 < int(fold.sum()) < 600
    assert torch.equal(fold_of(ids[500:], 0), fold[500:])
    assert not torch.equal(fold_of(ids, 1), fold)


def test_one_image_is_too_few(linear_model, linear_data):
    with pytest.raises(UsageError, match="too few"):
        Shift()(linear_model, linear_data[0][:1], linear_data[1][:1], Threat.parse("linf:0.05"))
