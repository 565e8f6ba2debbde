import pytest
import torch

from robustkit.attacks.minimum_norm.pdpgd import PDPGD


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_within_a_hundredth_of_the_closed_form(excess, norm):
    assert 1 - 1e-9 <= float(excess("pdpgd", norm).min()) <= float(excess("pdpgd", norm).median()) <= 1.01


def test_l0_changes_the_minimal_number_of_elements(needless_elements):
    assert needless_elements("pdpgd").tolist() == [0] * 8


def test_the_target_class_is_found(reached):
    found, wanted = reached("pdpgd:steps=100")
    assert len(found) >= 3
    assert torch.equal(found, wanted)


def shift(batch_of, answer, threat, moved, weight):
    """The perturbation after one step with a zero gradient of the loss."""
    x = torch.full((1, 1, 1, 3), 0.5, dtype=torch.float64)
    batch, pdpgd = batch_of(x, threat), PDPGD(learning_rate=0.1)
    state = pdpgd.start(batch)
    state.x_adv = x + torch.tensor(moved, dtype=torch.float64)
    state.weight = torch.full_like(state.weight, weight)
    state.square = torch.ones_like(x)  # the same metric for all elements
    return (pdpgd.step(batch, state, answer([-1.0], torch.zeros_like(x))).x_adv - x).flatten()


def test_the_proximal_step_makes_l1_sparse_and_linf_flat(batch_of, answer):
    sparse = shift(batch_of, answer, "l1:1", [0.3, -0.2, 0.001], weight=0.5)
    assert float(sparse[2]) == 0
    assert float(sparse[0]) > 0 > float(sparse[1])
    flat = shift(batch_of, answer, "linf:1", [0.3, -0.3, 0.001], weight=0.5)
    assert float(flat[0]) == pytest.approx(-float(flat[1]))
    assert float(flat[0]) < 0.3
    assert float(flat[2]) == pytest.approx(0.001)


def test_without_a_weight_of_distance_there_is_no_proximal_step(batch_of, answer):
    kept = shift(batch_of, answer, "l1:1", [0.3, -0.2, 0.001], weight=1.0)
    assert kept.tolist() == pytest.approx([0.3, -0.2, 0.001])
