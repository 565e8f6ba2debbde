"""Fast adversarial training takes one large step from a random start."""

import dataclasses

import pytest
import torch

from robustkit.build import recipe
from robustkit.errors import UsageError
from robustkit.threats import Threat


@pytest.mark.parametrize(("spec", "threat"), [("fast", "linf:0.1"), ("fast:alpha=1.0", "l2:0.5")])
def test_costs_one_input_pass_and_one_training_pass(watched, spec, threat):
    batch = watched(threat)
    images = batch.step(recipe(spec))
    assert (batch.model.forwards, batch.model.backwards) == (8, 8)
    assert not torch.equal(images, batch.batch.x)
    assert batch.batch.threat.contains(batch.batch.x, images, (0.0, 1.0)).all()


def test_a_step_of_twice_eps_leads_to_the_surface_from_any_start(watched):
    batch = watched("linf:0.1")
    batch.batch.x.mul_(0.6).add_(0.2)  # away from the bounds
    moved = (batch.step(recipe("fast:alpha=2.0")) - batch.batch.x).abs()
    assert torch.allclose(moved, torch.full_like(moved, 0.1), atol=1e-6)


def test_the_start_depends_on_the_seed(watched):
    batch = watched("linf:0.1")
    short = recipe("fast:alpha=0.01")
    for seed in (0, 0, 1):
        short.loss(dataclasses.replace(batch.batch, seed=seed))
    first, same, other = batch.trained_on
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(
    ("threat", "message"),
    [(None, "trains against a threat"), ("brightness:0.1", "trains against norm balls"), ("l0:3", "does not support l0")],
)
def test_refuses_a_threat_it_cannot_train_against(threat, message):
    with pytest.raises(UsageError, match=message):
        recipe("fast").check(None if threat is None else Threat.parse(threat))


@pytest.mark.parametrize("alpha", ["0", "-1", "nan"])
def test_alpha_out_of_range(alpha):
    with pytest.raises(UsageError, match=r"alpha=.* must be above 0"):
        recipe(f"fast:alpha={alpha}")
