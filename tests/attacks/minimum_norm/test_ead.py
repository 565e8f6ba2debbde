from dataclasses import replace

import pytest
import torch

from robustkit import Threat, UsageError
from robustkit.attacks.minimum_norm.ead import EAD
from robustkit.build import attack


def test_within_a_hundredth_of_the_closed_form(excess, targeted_excess):
    assert 1 - 1e-9 <= float(excess("ead", "l1").min()) <= float(excess("ead", "l1").median()) <= 1.01
    assert float(targeted_excess("ead:steps=200", "l1").median()) <= 1.01


def test_what_stays_below_the_threshold_is_not_changed(batch_of, answer):
    x = torch.full((1, 1, 1, 4), 0.5, dtype=torch.float64)
    batch, ead = batch_of(x, "l1:1"), EAD(learning_rate=0.01, beta=0.01)
    grad = torch.tensor([[[[3.0, 0.9, -0.9, -100.0]]]], dtype=torch.float64)
    after = ead.step(batch, ead.start(batch), answer([-1.0], grad))
    assert (after.x_adv - x).flatten().tolist() == pytest.approx([0.02, 0, 0, -0.5])  # the last reaches its bound
    assert torch.equal(after.x_adv[..., 1:3], x[..., 1:3])


def test_momentum_grows_within_a_search_and_starts_again_with_the_next(batch_of, answer):
    x = torch.full((1, 1, 1, 1), 0.5, dtype=torch.float64)
    batch, ead = batch_of(x, "l1:1"), EAD(steps=10, learning_rate=0.01, beta=0.0)
    state = replace(ead.start(batch), x_before=x - 0.1)
    first = ead.step(batch, state, answer([-1.0], torch.ones_like(x), step=10))
    later = ead.step(batch, state, answer([-1.0], torch.ones_like(x), step=13))
    assert float(first.x_adv) == pytest.approx(float(first.x_before)) == pytest.approx(0.51)
    assert float(later.x_adv) == pytest.approx(float(later.x_before) + 0.5 * (float(later.x_before) - 0.4))


def test_loss_gradient_is_ignored_beyond_the_confidence(batch_of, answer):
    x = torch.full((2, 1, 1, 2), 0.5, dtype=torch.float64)
    batch, ead = batch_of(x, "l1:1"), EAD(confidence=1.0, beta=0.0)
    state = replace(ead.start(batch), x_adv=x + 0.2)
    after = ead.step(batch, state, answer([2.0, 0.5], torch.full_like(x, 10.0)))
    assert bool((after.x_adv[0] < state.x_adv[0]).all())  # its gradient does not count
    assert bool((after.x_adv[1] > state.x_adv[1]).all())


def test_cost_and_parameters():
    assert attack("ead", steps=10, searches=4).cost(Threat.parse("l1:1"), 5) == (43, 40)
    for wrong in ({"searches": 0}, {"learning_rate": 0.0}, {"initial_const": 0.0}, {"beta": -1.0}, {"confidence": -1.0}):
        with pytest.raises(UsageError, match=next(iter(wrong))):
            EAD(**wrong)
