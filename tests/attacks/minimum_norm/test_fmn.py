import pytest
import torch

from robustkit import UsageError
from robustkit.attacks.minimum_norm.fmn import FMN


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_within_a_hundredth_of_the_closed_form(excess, targeted_excess, norm):
    assert 1 - 1e-9 <= float(excess("fmn", norm).min()) <= float(excess("fmn", norm).median()) <= 1.01
    assert float(targeted_excess("fmn", norm).median()) <= 1.01


def test_l0_changes_the_minimal_number_of_elements(needless_elements):
    assert needless_elements("fmn").tolist() == [0] * 8


def test_the_target_class_is_found(reached):
    found, wanted = reached("fmn")
    assert len(found) >= 3
    assert torch.equal(found, wanted)


def test_the_ball_never_reaches_beyond_the_nearest_adversarial_image(batch_of, answer):
    x = torch.full((2, 1, 2, 2), 0.5, dtype=torch.float64)
    batch, attack = batch_of(x, "linf:0.1"), FMN(gamma=0.2)
    state = attack.start(batch)
    assert state.radius.tolist() == pytest.approx([0.3, 0.3])
    state.x_adv = x + torch.tensor([0.1, 0.1])[:, None, None, None]
    state = attack.step(batch, state, answer([1.0, -1.0], torch.ones_like(x)))
    assert state.nearest.tolist() == pytest.approx([0.1, torch.inf])
    assert state.radius.tolist() == pytest.approx([0.1, 0.36])  # the first would have been 0.24
    assert bool(((state.x_adv - x).flatten(1).abs().amax(1) <= state.radius + 1e-12).all())


def test_an_l0_ball_changes_by_one_element_at_least(batch_of, answer):
    x = torch.full((2, 1, 2, 5), 0.5, dtype=torch.float64)
    batch, attack = batch_of(x, "l0:1"), FMN(gamma=0.01)
    state = attack.start(batch)
    assert state.radius.tolist() == [3, 3]  # three pixels in ten
    state.x_adv = x.clone()
    state.x_adv[:, :, 0, :3] = 1
    state = attack.step(batch, state, answer([1.0, -1.0], torch.ones_like(x)))
    assert state.radius.tolist() == [2, 4]
    assert int((state.x_adv[0] != x[0]).sum()) == 2
    assert int((state.x_adv[1] != x[1]).sum()) == 4


@pytest.mark.parametrize("wrong", [{"step_size": 0.0}, {"gamma": 0.0}, {"gamma": 1.0}])
def test_parameters_out_of_range(wrong):
    with pytest.raises(UsageError, match=next(iter(wrong))):
        FMN(**wrong)
