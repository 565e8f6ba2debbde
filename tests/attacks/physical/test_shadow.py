"""A particle swarm over the corners of a shadow."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from robustkit import InputSpec, Model, Threat, UsageError, attack
from robustkit.attacks.physical.shadow import Shadow
from robustkit.engine.stepping import Response

THREAT = Threat.parse("shadow:0.9")


class Corner(nn.Module):
    """Class 1 while the top left quarter is at most 0.1 darker than the rest."""

    def forward(self, x):
        height, width = x.shape[-2] // 2, x.shape[-1] // 2
        lead = x[..., :height, :width].flatten(1).mean(1) - x[..., height:, width:].flatten(1).mean(1) + 0.4
        return torch.stack([-lead, lead], dim=1)


@pytest.fixture
def model():
    return Model(Corner(), spec=InputSpec(channels=1), device="cpu")


def bright(count):
    return torch.full((count, 1, 12, 12), 0.8, dtype=torch.float64), torch.ones(count, dtype=torch.int64)


def test_the_shadow_is_found_that_covers_a_corner_and_not_the_opposite_one(model):
    x, y = bright(20)
    found = attack("shadow")(model, x, y, THREAT)
    assert found.success.all()
    assert THREAT.contains(x, found.x_adv, (0.0, 1.0), found.witness).all()
    drawn = attack("random-parameters:steps=199")(model, x, y, THREAT)
    assert found.forwards.sum() < drawn.forwards.sum()


def test_too_light_a_shadow_fails_at_the_stated_cost(model):
    x, y = bright(3)
    made = attack("shadow", steps=25, restarts=2)
    threat = Threat.parse("shadow:0.1")
    result = made(model, x, y, threat)
    assert not result.success.any()
    assert result.forwards.tolist() == [made.cost(threat, 2)[0]] * 3 == [2 * 26 + 1] * 3


@given(st.integers(0, 2**31))
@settings(max_examples=15)
def test_more_steps_restarts_or_light_withheld_never_find_fewer(seed):
    model = Model(Corner(), spec=InputSpec(channels=1), device="cpu")
    x, y = bright(8)
    few = attack("shadow", steps=12)(model, x, y, THREAT, seed=seed).success
    more = attack("shadow", steps=30)(model, x, y, THREAT, seed=seed).success
    again = attack("shadow", steps=12, restarts=3)(model, x, y, THREAT, seed=seed).success
    assert (few <= more).all()
    assert (few <= again).all()


def answer(state, loss, step):
    nothing, each = torch.zeros(len(loss)), torch.full((len(loss),), step)
    return Response(logits=nothing, success=nothing > 0, margin=nothing, loss=loss, grad=nothing, step=each, taken=each)


def test_particles_take_turns_and_move_at_most_by_the_speed_towards_the_best(batch_of):
    batch, made = batch_of(bright(2)[0], "shadow:0.9"), Shadow(particles=3, speed=0.05)
    state = made.start(batch)
    first = state.place
    for step in range(2):  # the second particle has the best loss
        state = made.step(batch, state, answer(state, torch.full((2,), float(step)), step))
        assert torch.equal(state.place, first)
    before = state
    state = made.step(batch, state, answer(state, torch.full((2,), -1.0), 2))
    assert torch.equal(state.place[:, 1:], before.place[:, 1:])
    assert float((state.place[:, 0] - first[:, 0]).abs().max()) <= 0.05 + 1e-12
    assert state.best_loss.tolist() == [[0.0, 1.0, -1.0]] * 2
    assert torch.equal(state.best_place, first)
    state = made.step(batch, state, answer(state, torch.full((2,), 9.0), 3))
    assert torch.equal(state.best_place[:, 0], state.place[:, 0])
    low, high = THREAT.limits(batch.x)
    assert ((state.witness >= low) & (state.witness <= high)).all()


@pytest.mark.parametrize("options", [{"particles": 0}, {"speed": 0.0}, {"speed": 1.5}, {"restarts": 0}])
def test_numbers_out_of_range_are_refused(options):
    (name,) = options
    with pytest.raises(UsageError, match=f"{name}={options[name]}"):
        attack("shadow", **options)
