"""JSMA: the chosen pair, and the number of elements for a linear model."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from robustkit import InputSpec, Model, UsageError
from robustkit.attacks.minimum_norm.jsma import best_pair
from robustkit.build import attack
from robustkit.threats import Threat


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.integers(2, 9))
def test_the_pair_is_the_most_salient(seed, n):
    numbers = torch.Generator().manual_seed(seed)
    wanted, others = (torch.randn(1, n, generator=numbers, dtype=torch.float64) for _ in range(2))
    free = torch.rand(1, n, generator=numbers) < 0.8
    p, q = best_pair(wanted, others, free)[0].tolist()

    def saliency(i, j):
        rise, fall = float(wanted[0, i] + wanted[0, j]), -float(others[0, i] + others[0, j])
        return rise * fall if rise > 0 and fall > 0 else 0.0

    best = max([saliency(i, j) for i in range(n) for j in range(i) if free[0, i] and free[0, j]], default=0.0)
    if best > 0:
        assert p != q
        assert free[0, [p, q]].all()
        assert saliency(p, q) == pytest.approx(best)
    elif free.sum() >= 2:
        assert p != q
        assert free[0, [p, q]].all()


def test_the_shortlist_rarely_misses_the_best_pair():
    numbers = torch.Generator().manual_seed(1)
    wanted, others = (torch.randn(20, 784, generator=numbers) for _ in range(2))
    pair = best_pair(wanted, others, torch.ones(20, 784, dtype=torch.bool))
    rise, fall = (v[:, :, None] + v[:, None, :] for v in (wanted, -others))
    saliency = torch.where((rise > 0) & (fall > 0) & ~torch.eye(784, dtype=torch.bool), rise * fall, 0).flatten(1).amax(1)
    mine = wanted.gather(1, pair).sum(1) * -others.gather(1, pair).sum(1)
    assert torch.allclose(mine, saliency)


class Weighted(nn.Module):
    """Linear logits: class 0 for a black image, 1 if the heaviest elements are white, 2 if the lightest two are."""

    def forward(self, x):
        x = x.flatten(1)
        two = 10 * (x[:, 0] + x[:, 4] - x[:, 1] - x[:, 2]) - 12
        one = (x * torch.tensor([1.0, 3.0, 2.0, 5.0, 0.5, 4.0], dtype=x.dtype)).sum(1) - 8.5
        return torch.stack([-one, one, two], dim=1)


def model():
    return Model(Weighted(), spec=InputSpec(channels=1), device="cpu")


@pytest.mark.parametrize("theta", [None, 1.0])
def test_a_linear_model_needs_its_heaviest_elements(theta):
    x, y = torch.zeros(1, 1, 2, 3), torch.zeros(1, dtype=torch.int64)
    result = attack("jsma", theta=theta)(model(), x, y, Threat.parse("l0:2"))
    assert result.success.all()
    assert (result.x_adv - x).flatten().nonzero().flatten().tolist() == [3, 5]
    assert result.forwards.tolist() == [4]
    assert result.backwards.tolist() == [4]


def test_elements_move_to_the_better_bound():
    x, y = torch.ones(1, 1, 2, 3), torch.ones(1, dtype=torch.int64)
    result = attack("jsma")(model(), x, y, Threat.parse("l0:2"))
    assert result.success.all()
    assert result.x_adv.flatten().tolist() == [1, 1, 1, 0, 1, 0]
    upwards = attack("jsma", theta=1.0)(model(), x, y, Threat.parse("l0:2"))
    assert not upwards.success.any()  # a white image has nowhere to go upwards


def test_a_small_theta_changes_an_element_until_its_bound():
    x, y = torch.zeros(1, 1, 2, 3), torch.zeros(1, dtype=torch.int64)
    result = attack("jsma", theta=0.25)(model(), x, y, Threat.parse("l0:2"))
    assert result.success.all()
    assert result.nearest_distance.tolist() == [2]
    assert result.forwards.tolist() == [7]  # the clean pass, four steps and the image after them, the verification


def test_targeted_reaches_the_target():
    x, y = torch.zeros(1, 1, 2, 3), torch.zeros(1, dtype=torch.int64)
    result = attack("jsma")(model(), x, y, Threat.parse("l0:6,targeted"), targets=torch.tensor([2]))
    assert result.success.all()
    assert result.logits.argmax(1).tolist() == [2]


@pytest.mark.parametrize("theta", [0, 1.5, -2])
def test_theta_out_of_range(theta):
    with pytest.raises(UsageError, match="theta"):
        attack("jsma", theta=theta)
