import pytest
import torch
from torch import nn

from robustkit import Model, UsageError
from robustkit.build import attack
from robustkit.spec import InputSpec
from robustkit.threats import Threat
from tests.kinds import Decisions, images

BUDGETS = ["linf:0.05", "l2:0.5", "l1:2", "l0:3"]


@pytest.mark.parametrize("kind", ["uniform", "gaussian"])
@pytest.mark.parametrize("budget", BUDGETS)
def test_draws_fill_the_budget_without_gradients(budget, kind, linear_model):
    x, y = torch.full((50, 1, 8, 8), 0.9), torch.ones(50, dtype=torch.int64)
    threat = Threat.parse(budget)
    built = attack("noise", kind=kind, steps=4, early_exit=False)
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


def test_insensitive_samples_are_given_up_after_two_draws():
    class Loud(nn.Module):
        """The sum of the pixels: a large margin for dark images, and one close to the noise for light images."""

        def forward(self, x):
            lead = x.flatten(1).sum(1) - 15.9
            return torch.stack([lead, -lead], 1)

    model = Model(Loud(), spec=InputSpec(channels=1), device="cpu")
    x = torch.tensor([0.1, 0.98]).reshape(2, 1, 1, 1).expand(2, 1, 4, 4).contiguous()
    result = attack("noise", steps=30)(model, x, torch.ones(2, dtype=torch.int64), Threat.parse("linf:0.02"))
    assert result.robust.tolist() == [True, True]
    assert result.forwards.tolist() == [3, 32]  # the clean pass and the draws, the last of which is verified


def test_decisions_do_not_end_a_sample_early():
    model, x = Decisions(), images(3)
    result = attack("noise", steps=30)(model, x, model.logits(x).argmax(1), Threat.parse("linf:1e-4"))
    assert result.forwards.tolist() == [32] * 3


def test_nearby_adversarial_images_are_found(linear_model, linear_data):
    result = attack("noise", steps=50)(linear_model, *linear_data, Threat.parse("linf:0.2"))
    assert bool(result.success[0])
    assert not bool(result.success[-1])


def test_unknown_kind():
    with pytest.raises(UsageError, match="kind"):
        attack("noise", kind="pink")
