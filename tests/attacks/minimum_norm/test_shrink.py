"""Shrinking: the smallest ball in which an image is found, and the passes that this takes."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from robustkit import InputSpec, Model, UsageError
from robustkit.build import attack
from robustkit.contracts.result import Status
from robustkit.contracts.samples import Samples
from robustkit.shrinking import Known
from robustkit.threats import Threat

THREAT = Threat.parse("linf:0.2")


def known_in(x, offset, clean_margin, margin):
    return Known(x_adv=x + offset, margin=torch.full((len(x),), margin), clean_margin=torch.full((len(x),), clean_margin))


def samples(x):
    return Samples(x, torch.ones(len(x), dtype=torch.int64), torch.arange(len(x)))


def test_each_image_is_found_in_the_smallest_ball_that_has_one(linear_model, linear_data):
    x, y = linear_data  # at the distances 0.01, 0.02, ... 0.20
    result = attack("shrink")(linear_model, x, y, THREAT)
    assert result.success[:19].all()
    for i, distance in enumerate(result.distance[:19].tolist()):
        if (i + 1) % 5:  # the others lie on the edge of a ball
            assert i // 5 == math.ceil(distance / 0.05 - 1e-4) - 1
    assert torch.equal(result.nearest_distance[:19], result.distance[:19])
    assert bool(linear_model.logits(result.x_adv).argmax(1)[:19].eq(0).all())
    assert torch.equal(linear_model.logits(result.x_adv), result.logits)


def test_a_scaled_image_that_succeeds_costs_one_pass(linear_model):
    x = torch.full((1, 1, 2, 2), 0.52)
    result = attack("shrink").shrink(linear_model, samples(x), THREAT, known_in(x, -0.2, -0.16, 1.44), 0)
    assert (result.forwards.item(), result.backwards.item(), result.distance.item()) == (1, 0, pytest.approx(0.05))


def test_a_hopeless_ball_costs_one_step(linear_model):
    """The scaled image fails, and so does the step, which gains nothing: the direction is already the best."""
    x = torch.full((1, 1, 2, 2), 0.69)
    shrunk = attack("shrink", shares=(0.25,)).shrink
    result = shrunk(linear_model, samples(x), THREAT, known_in(x, -0.2, -1.52, 0.08), 0)
    assert result.status.tolist() == [Status.FOUND]  # the known image
    assert result.distance.item() == pytest.approx(0.2)
    assert result.logits.isnan().all()
    # As the margin crosses 0 only at 95 % of the way, the pass that asks gives the gradient too; the step costs one more.
    assert (result.forwards.item(), result.backwards.item()) == (2, 1)
    hopeful = shrunk(linear_model, samples(x), THREAT, known_in(x, -0.2, -0.4, 0.8), 0)
    assert (hopeful.forwards.item(), hopeful.backwards.item()) == (3, 1)


def test_a_step_finds_what_the_scaled_image_misses(linear_model):
    """A perturbation of one pixel alone is far from the best direction, which one step finds."""
    x = torch.full((1, 1, 2, 2), 0.53)
    offset = torch.tensor([-0.2, 0, 0, 0]).reshape(1, 1, 2, 2)
    result = attack("shrink").shrink(linear_model, samples(x), THREAT, known_in(x, offset, -0.24, 0.16), 0)
    assert result.distance.item() == pytest.approx(0.05)
    assert (result.forwards.item(), result.backwards.item()) == (2, 1)


def test_the_attack_itself_runs_on_what_came_close(linear_model):
    """Close to the boundary of the ball's reach it runs, without success: the ball has no adversarial image."""
    x = torch.full((1, 1, 2, 2), 0.551)
    shrunk = attack("shrink", shares=(0.25,)).shrink
    result = shrunk(linear_model, samples(x), THREAT, known_in(x, -0.2, -0.408, 1.192), 0)
    alone = attack("pgd:steps=10")(linear_model, x, torch.ones(1, dtype=torch.int64), THREAT.with_eps(0.05))
    assert result.distance.item() == pytest.approx(0.2)
    assert result.forwards.item() == 3 + alone.forwards.item()
    assert result.backwards.item() == 1 + alone.backwards.item()


@pytest.mark.parametrize("threat", ["linf:0.1", "l2:0.6", "l1:4", "linf:0.1,targeted"])
def test_it_is_found_wherever_the_attack_finds_one_and_inside(curved_model, threat):
    x = torch.rand(32, 1, 12, 12, generator=torch.Generator().manual_seed(3))
    y, threat = curved_model.logits(x).argmax(1), Threat.parse(threat)
    targets = (y + 1) % 3 if threat.targeted else None
    first = attack("pgd:steps=10")(curved_model, x, y, threat, targets=targets)
    result = attack("shrink")(curved_model, x, y, threat, targets=targets)
    assert torch.equal(result.success, first.success)
    assert int(result.success.sum()) > 0
    assert bool((result.distance <= first.distance * (1 + 1e-5)).all())
    assert bool(threat.contains(x, result.x_adv, (0, 1)).all())
    assert float(result.distance[result.success].mean()) < float(first.distance[result.success].mean())


@given(order=st.permutations(range(8)))
def test_a_result_does_not_depend_on_the_neighbours(order):
    net = nn.Sequential(nn.Flatten(), nn.Linear(4, 3)).double()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.linspace(-1, 1, parameter.numel()).sin().reshape(parameter.shape))
    model = Model(net, spec=InputSpec(channels=1), device="cpu")
    x = torch.rand(8, 1, 2, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    y, index = model.logits(x).argmax(1), torch.tensor(order)
    whole = attack("shrink")(model, x, y, Threat.parse("linf:0.3"))
    moved = attack("shrink")(model, x[index], y[index], Threat.parse("linf:0.3"), sample_ids=index)
    assert torch.equal(whole.x_adv[index], moved.x_adv)
    assert torch.equal(whole.forwards[index], moved.forwards)


def test_invalid_parameters():
    for wrong in ({"shares": (0.5, 1.0)}, {"shares": ()}, {"steps": 0}):
        with pytest.raises(UsageError, match=r"shares=.* must be above 0 and below 1|steps=0 must be at least 1"):
            attack("shrink", **wrong)


def test_threats_that_it_cannot_answer(linear_model, linear_data):
    with pytest.raises(UsageError, match=r"cannot keep the budget of threat 'linf:0\.2,queries=100'"):
        attack("shrink")(linear_model, *linear_data, Threat.parse("linf:0.2,queries=100"))
    with pytest.raises(UsageError, match="attack 'deepfool' does not support l1"):
        attack("shrink", attack="deepfool")(linear_model, *linear_data, Threat.parse("l1:1"))
