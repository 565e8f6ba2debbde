import math

import pytest
import torch

from robustkit import UsageError
from robustkit.attacks.minimum_norm.pdgd import PDGD
from robustkit.attacks.minimum_norm.primal_dual import sigmoid

X = torch.full((2, 1, 1, 2), 0.5, dtype=torch.float64)


def test_the_weight_rises_before_the_boundary_and_decreases_beyond_it(batch_of, answer):
    batch, attack = batch_of(X, "l2:1"), PDGD(steps=100)
    state = attack.start(batch)
    assert state.weight.tolist() == pytest.approx([1 / 1.01] * 2)
    after = attack.reweigh(batch, state, answer([-1.0, 1.0], X))
    assert (after.dual - state.dual).tolist() == pytest.approx([0.5, -0.5])  # 50 / steps
    assert float(after.weight[0]) > float(state.weight[0]) > float(after.weight[1])


@pytest.mark.parametrize(("threat", "rate"), [("linf:0.1", 0.5), ("l2:1", 0.5), ("l1:1", 0.1), ("l0:1", 0.1)])
def test_sparse_threats_keep_the_first_weights_for_longer(batch_of, answer, threat, rate):
    batch, attack = batch_of(X, threat), PDGD(steps=100)
    state = attack.start(batch)
    for step, factor in ((0, 1.0), (99, 0.1)):
        moved = attack.reweigh(batch, state, answer([1.0, 1.0], X, step)).dual - state.dual
        assert moved.tolist() == pytest.approx([-rate * factor] * 2)


def test_weights_stay_away_from_zero_and_one(batch_of, answer):
    batch, attack = batch_of(X, "l2:1"), PDGD(steps=5)
    state = attack.start(batch)
    for _ in range(10):
        state = attack.reweigh(batch, state, answer([-1.0, 1.0], X))
    assert state.dual.tolist() == pytest.approx([-math.log(1e-6), math.log(1e-6)])


def test_the_rate_falls_to_a_hundredth():
    rate = PDGD(steps=8, learning_rate=0.4).rate(torch.tensor([0, 4, 8]), X)
    assert rate.tolist() == pytest.approx([0.4, 0.04, 0.004])


def test_the_climb_is_the_gradient_of_the_softplus(batch_of, answer):
    lead = torch.tensor([-0.7, 1.3], dtype=torch.float64, requires_grad=True)
    slope = torch.autograd.grad(-torch.nn.functional.softplus(-lead).sum(), lead)[0]
    batch = batch_of(X, "l2:1", bounds=(-1.0, 2.0))
    climb = PDGD().climb(batch, answer(lead.tolist(), torch.ones_like(X)))
    assert torch.allclose(climb[:, 0, 0, 0], 3 * slope)  # one step is the box's width


def test_sigmoid():
    value = torch.linspace(-40, 40, 9, dtype=torch.float64)
    assert torch.allclose(sigmoid(value), value.sigmoid(), rtol=1e-12)
    assert sigmoid(torch.tensor([-1e4, 1e4])).tolist() == [0, 1]


def test_learning_rate_out_of_range():
    with pytest.raises(UsageError, match=r"learning_rate=0\.0 must be above 0"):
        PDGD(learning_rate=0.0)
