"""TRADES weighs clean accuracy against the divergence of predictions nearby."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from robustkit.build import recipe
from robustkit.defenses.training.trades import divergence
from robustkit.errors import UsageError
from robustkit.threats import Threat


@pytest.mark.parametrize(("spec", "steps"), [("trades", 10), ("trades:steps=3,step_size=0.05", 3)])
def test_costs_its_steps_and_a_clean_pass_beside_two_training_passes(watched, spec, steps):
    made = watched("linf:0.1")
    made_recipe = recipe(spec)
    made_recipe.check(made.batch.threat)
    made_recipe.loss(made.batch).backward()
    assert (made.model.forwards, made.model.backwards) == (8 * (steps + 1), 8 * steps)
    clean, attacked = made.trained_on
    assert torch.equal(clean, made.batch.x)
    assert made.batch.threat.contains(made.batch.x, attacked, (0.0, 1.0)).all()
    assert all(parameter.grad is not None for parameter in made.model.net.parameters())


def test_its_loss_is_the_clean_one_plus_the_weighted_divergence(watched):
    small, large = (recipe(f"trades:steps=2,beta={beta}").loss(watched("linf:0.1").batch).item() for beta in (1, 3))
    made = watched("linf:0.1")
    clean = functional.cross_entropy(made.model.logits(made.batch.x), made.batch.y).item()
    assert large - clean == pytest.approx(3 * (small - clean), rel=1e-4)
    assert small > clean


def test_where_no_image_changes_the_prediction_its_loss_is_the_cross_entropy(watched):
    made = watched("linf:0.1")
    made.model.net[-1].weight.data.zero_()
    clean = functional.cross_entropy(made.model.logits(made.batch.x), made.batch.y)
    assert torch.equal(recipe("trades:steps=2,beta=100").loss(made.batch), clean)


def test_it_attacks_within_the_eps_of_the_moment(watched):
    made = watched("linf:0.2")
    recipe("trades:steps=2,warmup=0.4").loss(replace(made.batch, progress=0.1))
    clean, attacked = made.trained_on
    assert 0 < (attacked - clean).abs().max() <= 0.05 + 1e-6


def test_equal_predictions_do_not_diverge():
    logits = torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.0, 5.0]])
    assert torch.allclose(divergence(logits + 7, logits), torch.zeros(2), atol=1e-6)
    apart = divergence(torch.tensor([[0.0, 0.0]]), torch.tensor([[torch.tensor(3.0).log(), 0.0]]))
    assert apart.item() == pytest.approx(0.75 * torch.tensor(1.5).log().item() + 0.25 * torch.tensor(0.5).log().item())


@pytest.mark.parametrize(("spec", "message"), [("trades:beta=0", "must be above 0"), ("trades:steps=0", "must be at least 1")])
def test_refuses_wrong_values(spec, message):
    with pytest.raises(UsageError, match=message):
        recipe(spec)


@pytest.mark.parametrize(
    ("threat", "message"),
    [(None, "trains against a threat"), ("l0:3", "does not support l0"), ("linf:0.1,targeted", "no targeted mode")],
)
def test_refuses_a_threat_it_cannot_train_against(threat, message):
    with pytest.raises(UsageError, match=message):
        recipe("trades").check(None if threat is None else Threat.parse(threat))
