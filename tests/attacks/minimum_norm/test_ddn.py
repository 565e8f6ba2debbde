import pytest
import torch

from robustkit import UsageError
from robustkit.attacks.minimum_norm.ddn import DDN


def test_within_a_hundredth_of_the_closed_form(excess, targeted_excess):
    assert 1 - 1e-9 <= float(excess("ddn", "l2").min()) <= float(excess("ddn", "l2").median()) <= 1.01
    assert float(targeted_excess("ddn", "l2").median()) <= 1.01


def test_the_target_class_is_found(reached):
    found, wanted = reached("ddn")
    assert len(found) >= 3
    assert torch.equal(found, wanted)


def test_the_sphere_shrinks_behind_the_boundary_and_grows_before_it(batch_of, answer):
    x = torch.full((2, 1, 2, 2), 0.5, dtype=torch.float64)
    batch, attack = batch_of(x, "l2:1"), DDN(gamma=0.2)
    state = attack.start(batch)
    assert torch.equal(state.x_adv, x)
    assert state.radius.tolist() == pytest.approx([0.6, 0.6])  # 0.3 in every pixel
    state = attack.step(batch, state, answer([1.0, -1.0], torch.ones_like(x)))
    assert state.radius.tolist() == pytest.approx([0.48, 0.72])
    assert (state.x_adv - x).flatten(1).norm(dim=1).tolist() == pytest.approx([0.48, 0.72])


def test_no_sphere_is_wider_than_the_box(batch_of, answer):
    x = torch.full((1, 1, 2, 2), 0.5, dtype=torch.float64)
    batch, attack = batch_of(x, "l2:1"), DDN(gamma=0.9)
    state = attack.step(batch, attack.start(batch), answer([-1.0], torch.ones_like(x)))
    assert float(state.radius) == pytest.approx(1)  # the distance to a corner


def test_without_a_gradient_the_step_goes_somewhere_else_for_each_sample(batch_of, answer):
    x = torch.full((2, 1, 2, 2), 0.5, dtype=torch.float64)
    batch, attack = batch_of(x, "l2:1"), DDN()
    state = attack.step(batch, attack.start(batch), answer([-1.0, -1.0], torch.zeros_like(x)))
    moved = (state.x_adv - x).flatten(1)
    assert bool((moved.norm(dim=1) > 0.1).all())
    assert not torch.allclose(moved[0], moved[1])


@pytest.mark.parametrize("gamma", [0.0, 1.0])
def test_gamma_out_of_range(gamma):
    with pytest.raises(UsageError, match=f"gamma={gamma} must be above 0 and below 1"):
        DDN(gamma=gamma)
