import pytest
import torch

from robustkit import UsageError
from robustkit.build import attack
from robustkit.threats import Threat

BUDGETS = ["linf:0.05", "l2:0.5", "l1:2", "l0:3"]


@pytest.mark.parametrize("kind", ["uniform", "gaussian"])
@pytest.mark.parametrize("budget", BUDGETS)
def test_draws_fill_the_budget_without_gradients(budget, kind, linear_model):
    x, y = torch.full((50, 1, 8, 8), 0.9), torch.ones(50, dtype=torch.int64)
    threat = Threat.parse(budget)
    built = attack("noise", kind=kind, steps=4)
    result = built(linear_model, x, y, threat)
    assert bool(result.robust.all())
    assert bool(threat.contains(x, result.x_adv, (0, 1)).all())
    assert float(result.distance.mean()) > 0.6 * threat.eps
    assert built.cost(threat, 2) == (6, 0)
    assert {*result.forwards.tolist()} == {6}
    assert int(result.backwards.sum()) == 0


def test_draws_differ_by_sample_step_and_seed(linear_model):
    x, y = torch.full((2, 1, 4, 4), 0.9), torch.ones(2, dtype=torch.int64)
    one = attack("noise", steps=1)(linear_model, x, y, Threat.parse("linf:0.05"))
    assert not torch.equal(one.x_adv[0], one.x_adv[1])
    other = attack("noise", steps=1)(linear_model, x, y, Threat.parse("linf:0.05"), seed=1)
    assert not torch.equal(one.x_adv, other.x_adv)


def test_it_finds_what_lies_close(linear_model, linear_data):
    result = attack("noise", steps=50)(linear_model, *linear_data, Threat.parse("linf:0.2"))
    assert bool(result.success[0])
    assert not bool(result.success[-1])


def test_unknown_kind():
    with pytest.raises(UsageError, match="kind"):
        attack("noise", kind="pink")
