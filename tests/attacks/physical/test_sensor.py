"""A sweep over a camera's errors, then steps around the worst."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from robustkit import InputSpec, Model, Threat, attack
from robustkit.attacks.physical.sensor import Sensor
from robustkit.engine.stepping import Response

THREAT = Threat.parse("sensor:0.5")


class Sharp(nn.Module):
    """Class 1 while neighbouring pixels differ by at least `contrast` on average."""

    def __init__(self, contrast=0.3):
        super().__init__()
        self.contrast = contrast

    def forward(self, x):
        lead = x.diff(dim=-1).abs().flatten(1).mean(1) - self.contrast
        return torch.stack([-lead, lead], dim=1)


def stripes(count):
    x = torch.rand(count, 1, 40, 40, generator=torch.Generator().manual_seed(0), dtype=torch.float64).round()
    return x, torch.ones(count, dtype=torch.int64)


def sharp(contrast=0.3):
    return Model(Sharp(contrast), spec=InputSpec(channels=1), device="cpu")


def test_blur_is_found_where_it_is_needed():
    x, y = stripes(4)
    found = attack("sensor")(sharp(), x, y, THREAT)
    assert found.success.all()
    assert THREAT.contains(x, found.x_adv, (0.0, 1.0), found.witness).all()
    assert (found.witness[:, 1:3].amax(1) > 0.01).all()


def test_too_weak_errors_fail_at_the_stated_cost():
    x, y = stripes(3)
    made, threat = attack("sensor", steps=8), Threat.parse("sensor:0.01")
    result = made(sharp(), x, y, threat)
    assert not result.success.any()
    assert result.forwards.tolist() == [made.cost(threat, 2)[0]] * 3 == [10] * 3


@given(st.integers(0, 2**31), st.sampled_from([0.15, 0.2, 0.25]))
@settings(max_examples=10)
def test_more_sweeps_never_find_fewer(seed, contrast):
    x, y = stripes(4)
    few, more = (attack("sensor", steps=steps)(sharp(contrast), x, y, THREAT, seed=seed) for steps in (4, 40))
    swept = few.success & (few.first_success_step <= 2)
    assert (swept <= more.success).all()


def answer(loss, step):
    nothing, each = torch.zeros(len(loss)), torch.full((len(loss),), step)
    return Response(logits=nothing, success=nothing > 0, margin=nothing, loss=loss, grad=nothing, step=each, taken=each)


def test_half_are_swept_and_the_rest_close_in_on_the_worst(batch_of):
    batch, made = batch_of(stripes(50)[0], "sensor:0.5"), Sensor(steps=9)
    state = made.start(batch)
    worst = state.place
    shares = []
    for step in range(9):
        state = made.step(batch, state, answer(torch.full((50,), -float(step)), step))
        assert torch.equal(state.best_place, worst)
        shares.append(float((state.place - worst).abs().amax()))
        if step < 4:
            assert float((state.place == 0).double().mean()) == pytest.approx(0.25, abs=0.1)
            assert float((state.place == 1).double().mean()) == pytest.approx(0.25, abs=0.1)
    assert shares[4:] == sorted(shares[4:], reverse=True)
    assert shares[-1] <= 0.1
