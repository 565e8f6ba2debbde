"""Constraint relaxation: the balls of a cycle, abandoning, targets, and the results' membership in the threat."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from robustkit import InputSpec, Model, UsageError
from robustkit.attacks.gradient.cr import CR
from robustkit.build import attack
from robustkit.engine.stepping import Response
from robustkit.rng import SampleRandom
from robustkit.threats import Threat


def trajectory(batch, grad, **params):
    """Every iterate of an attempt on a linear function whose targets stay far behind."""
    cr = CR(**params)
    batch = replace(batch, clean_logits=torch.tensor([[9.0, 1.0]]).repeat(len(batch.x), 1))
    state = cr.start(batch)
    states = [state]
    for step in range(cr.steps):
        taken = torch.full((len(batch.x),), step)
        loss = torch.full((len(batch.x),), -8.0)
        response = Response(
            logits=batch.clean_logits, success=loss > 0, margin=loss, loss=loss, grad=grad, step=taken, taken=taken
        )
        state = cr.step(batch, state, response)
        states.append(state)
    return states


def test_a_cycle_leads_through_the_larger_ball_the_ball_and_the_smaller_ball(batch_of):
    x, grad = torch.full((1, 1, 2, 2), 0.5), torch.ones(1, 1, 2, 2)
    moved = [state.x_adv - x for state in trajectory(batch_of(x), grad, steps=36, cycle=18)]
    for first, last, place in ((6, 6, 0.15), (7, 11, 0.1), (15, 18, 0.1), (19, 24, 0.125), (25, 29, 0.1), (36, 36, 0.1)):
        for delta in moved[first : last + 1]:
            assert delta.flatten().tolist() == pytest.approx([place] * 4)
    for number, low in ((12, 0.0), (30, 0.05)):  # shaken: at 0.05 and 0.075, with noise up to 0.05 and 0.025
        assert low <= float(moved[number].amin()) < float(moved[number].amax()) <= 0.1


def test_scale_is_halved_each_cycle_down_to_a_floor():
    steps = torch.tensor([0, 17, 18, 36, 54, 72, 90, 900])
    assert CR().scale(steps, torch.zeros(1)).tolist() == pytest.approx([0.5, 0.5, 0.25, 0.125, 0.0625, 0.05, 0.05, 0.05])


@given(
    seed=st.integers(0, 2**20),
    threat=st.sampled_from(["linf:0.2", "l2:0.4", "l1:1"]),
    steps=st.integers(1, 20),
    cycle=st.integers(6, 10),
)
@settings(max_examples=40, deadline=None)
def test_iterates_leave_the_threat_only_in_the_first_third_and_never_at_the_end(batch_of, seed, threat, steps, cycle):
    numbers = torch.Generator().manual_seed(seed)
    x, grad = torch.rand(3, 1, 2, 3, generator=numbers), torch.randn(3, 1, 2, 3, generator=numbers)
    batch = batch_of(x, threat)
    states = trajectory(batch, grad, steps=steps, cycle=cycle)
    for number, state in enumerate(states):
        relaxed = 0 < number < steps and (number - 1) % cycle < cycle // 3
        scale = 0.5 ** ((number - 1) // cycle + 1)
        ball = replace(batch.threat, eps=batch.threat.eps * (1 + max(scale, 0.05) * relaxed))
        assert bool(ball.contains(x, state.x_adv, batch.bounds).all())


def test_a_target_far_behind_is_abandoned_after_two_thirds_of_a_cycle(batch_of):
    x, grad = torch.full((1, 1, 2, 2), 0.5), torch.ones(1, 1, 2, 2)
    over = [bool(state.abandoned) for state in trajectory(batch_of(x), grad, steps=9, cycle=9)]
    assert over == [False] * 6 + [True] + [False] * 3
    for abandon, expected in ((1.9, True), (2.0, False), (None, False)):  # the target is as far behind as on the clean image
        assert bool(trajectory(batch_of(x), grad, steps=9, cycle=9, abandon=abandon)[6].abandoned) is expected


def test_a_linear_model_is_successfully_attacked_exactly_where_the_closed_form_says(linear_model, linear_data):
    x, y = linear_data
    result = attack("cr")(linear_model, x, y, Threat.parse("linf:0.105"))
    assert result.success.tolist() == [True] * 10 + [False] * 10
    assert int(result.forwards.max()) <= attack("cr").cost(Threat.parse("linf:0.105"), 2)[0]


def test_abandoning_saves_the_passes_of_samples_far_from_the_boundary(linear_model, linear_data):
    x, y = linear_data
    threat = Threat.parse("linf:0.01")
    result = attack("cr", target_classes=1)(linear_model, x, y, threat)
    patient = attack("cr", target_classes=1, abandon=None)(linear_model, x, y, threat)
    survivors = ~result.success & (result.forwards > 1)
    assert int(result.backwards[survivors].min()) == 12
    assert patient.backwards[survivors].tolist() == [90] * int(survivors.sum())


def test_every_cycle_and_attempt_draws_its_own_noise():
    cr = CR(steps=40, cycle=18)
    numbers = [int(cr.draw(torch.tensor(attempt), number)) for attempt in range(3) for number in range(4)]
    assert numbers == list(range(12))


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
@pytest.mark.parametrize("classes", [2, 3, 5])
def test_few_classes_and_every_norm(trail, classes, norm):
    net, x = trail.network(classes, channels=1), trail.images(channels=1)
    model = Model(net, spec=InputSpec(channels=1), device="cpu")
    y = net(x).argmax(1)
    threat = Threat.parse(f"{norm}:{10 * trail.eps[norm]}")
    cr = attack("cr")
    assert cr.attempts(threat, classes) == min(classes - 1, 3)
    result = cr(model, x, y, threat)
    assert int(result.success.sum()) >= 4
    assert bool(threat.contains(x, result.x_adv, (0, 1)).all())


def test_targets_are_the_likeliest_wrong_classes_in_order(batch_of):
    logits = torch.tensor([[4.0, 1.0, 3.0, 2.0]]).repeat(3, 1)
    batch = replace(batch_of(torch.zeros(3, 1, 1, 1)), clean_logits=logits, attempt=torch.arange(3))
    state = CR().start(replace(batch, random=SampleRandom(0, "cr")))
    assert CR().loss(batch, state, logits).tolist() == [-1, -2, -3]


def test_targeted_threat_reaches_the_target(trail):
    net, x = trail.network(), trail.images()
    model = Model(net, spec=InputSpec(channels=2), device="cpu")
    y = net(x).argmax(1)
    targets = (y + 2) % 5
    result = attack("cr")(model, x, y, Threat.parse("linf:0.9,targeted"), targets=targets)
    assert bool(result.success.all())
    assert torch.equal(net(result.x_adv).argmax(1), targets)


@pytest.mark.parametrize("wrong", [{"cycle": 5}, {"target_classes": 0}, {"abandon": 0.0}, {"abandon": float("nan")}])
def test_wrong_parameters(wrong):
    with pytest.raises(UsageError, match=next(iter(wrong))):
        attack("cr", **wrong)
