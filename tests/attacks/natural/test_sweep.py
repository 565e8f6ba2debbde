import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from robustkit.attacks.natural.brightness import Brightness
from robustkit.engine.stepping import Response


def test_the_ends_are_tried_first_then_inwards(mean_attack):
    x = torch.full((1, 1, 2, 2), 0.5)
    result, seen = mean_attack("brightness", 0.1, x, 1, "brightness:0.3", steps=5)
    assert seen == pytest.approx([0.5, 0.2, 0.8, 0.3, 0.7, 0.4, 0.6])
    assert not bool(result.success)
    assert int(result.forwards) == 7  # the clean pass and the six values
    assert float(result.x_adv[0, 0, 0, 0]) == pytest.approx(0.2)  # the best effort


def test_nothing_is_tried_after_a_success(mean_attack):
    x = torch.full((1, 1, 2, 2), 0.5)
    result, seen = mean_attack("brightness", 0.25, x, 1, "brightness:0.3", steps=5)
    assert bool(result.success)
    assert seen == pytest.approx([0.5, 0.2, 0.2])  # the clean pass, the query, its verification
    assert int(result.first_success_step) == 0


@given(steps=st.integers(1, 40))
def test_values_are_distinct_within_the_range_and_exclude_the_identity(batch_of, steps):
    batch, sweep = batch_of(torch.full((steps, 1, 1, 1), 0.5), "brightness:0.3"), Brightness(steps=steps)
    nothing = torch.zeros(steps)
    first = sweep.start(batch)
    each = torch.arange(steps)  # each row is at another step
    answer = Response(logits=nothing, success=nothing > 0, margin=nothing, loss=nothing, grad=nothing, step=each, taken=each)
    values = torch.cat([first.witness[:1], sweep.step(batch, first, answer).witness])[:, 0]
    assert len(set(values.tolist())) == steps + 1
    assert float(values.abs().max()) <= 0.3
    assert float(values.abs().min()) > 0
    assert bool((values.abs().diff() <= 1e-12).all())
