from dataclasses import replace

import pytest
import torch

from robustkit import Threat, UsageError
from robustkit.attacks.minimum_norm.cw import CW
from robustkit.build import attack


def test_within_a_hundredth_of_the_closed_form(excess, targeted_excess):
    assert 1 - 1e-9 <= float(excess("cw", "l2").min()) <= float(excess("cw", "l2").median()) <= 1.01
    assert float(targeted_excess("cw", "l2").median()) <= 1.01


def test_the_target_class_is_found(reached):
    found, wanted = reached("cw")
    assert len(found) >= 3
    assert torch.equal(found, wanted)


def test_black_and_white_pixels_leave_their_bounds(linear_model):
    """A white image has a sum of 4 and must fall to 2, so each pixel decreases by 0.5."""
    x = torch.ones(1, 1, 2, 2)
    result = attack("cw")(linear_model, x, torch.tensor([1]), Threat.parse("l2:1.1"))
    assert bool(result.success)
    assert float(result.nearest_distance) == pytest.approx(1, rel=0.02)


def test_loss_gradient_is_ignored_beyond_the_confidence(batch_of, answer):
    x = torch.full((2, 1, 1, 2), 0.5, dtype=torch.float64)
    batch, cw = batch_of(x, "l2:1"), CW(confidence=1.0)
    state = replace(cw.start(batch), x_adv=x + 0.2, modifier=torch.full_like(x, 0.4))
    after = cw.step(batch, state, answer([2.0, 0.5], torch.full_like(x, 100.0)))
    assert bool((after.x_adv[0] < state.x_adv[0]).all())  # its huge gradient does not count
    assert bool((after.x_adv[1] > state.x_adv[1]).all())


def test_cost_and_parameters():
    assert attack("cw", steps=10, searches=4).cost(Threat.parse("l2:1"), 5) == (43, 40)
    for wrong in ({"searches": 0}, {"learning_rate": 0.0}, {"initial_const": 0.0}, {"confidence": -1.0}):
        with pytest.raises(UsageError, match=next(iter(wrong))):
            CW(**wrong)
