import pytest
import torch

from robustkit.attacks.minimum_norm.pdgd import PDGD


def test_within_a_hundredth_of_the_closed_form(excess, targeted_excess):
    assert 1 - 1e-9 <= float(excess("pdgd", "l2").min()) <= float(excess("pdgd", "l2").median()) <= 1.01
    assert float(targeted_excess("pdgd:learning_rate=0.1", "l2").median()) <= 1.01


def test_the_target_class_is_found(reached):
    found, wanted = reached("pdgd:steps=100")
    assert len(found) >= 3
    assert torch.equal(found, wanted)


def test_the_first_step_is_adams_on_the_loss_only(batch_of, answer):
    """At the clean image the distance has no gradient; Adam's first step equals the learning rate in every element."""
    x = torch.full((1, 1, 1, 3), 0.5, dtype=torch.float64)
    batch, pdgd = batch_of(x, "l2:1"), PDGD(learning_rate=0.2)
    grad = torch.tensor([[[[2.0, -0.5, 0.0]]]], dtype=torch.float64)
    after = pdgd.step(batch, pdgd.start(batch), answer([-1.0], grad))
    assert (after.x_adv - x).flatten().tolist() == pytest.approx([0.2, -0.2, 0], abs=1e-6)


def test_far_beyond_the_boundary_the_image_moves_back(batch_of, answer):
    x = torch.full((1, 1, 1, 2), 0.5, dtype=torch.float64)
    batch, pdgd = batch_of(x, "l2:1"), PDGD()
    state = pdgd.start(batch)
    state.x_adv = x + 0.3
    after = pdgd.step(batch, state, answer([40.0], torch.ones_like(x)))
    assert bool((after.x_adv < state.x_adv).all())
