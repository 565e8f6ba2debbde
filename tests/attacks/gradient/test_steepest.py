import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from robustkit.attacks.gradient.steepest import ascend, l1_corner
from robustkit.threats import norm_of


def test_linf_moves_by_the_sign_and_stops_at_ball_and_box(batch_of):
    x = torch.tensor([[[[0.5, 0.5, 0.95, 0.5]]]])
    moved = ascend(batch_of(x, "linf:0.1"), x, torch.tensor([[[[3.0, -0.01, 1.0, 0.0]]]]), 0.06)
    assert moved.flatten().tolist() == pytest.approx([0.56, 0.44, 1.0, 0.5])
    again = ascend(batch_of(x, "linf:0.1"), moved, torch.tensor([[[[3.0, -0.01, 1.0, 0.0]]]]), 0.06)
    assert again.flatten().tolist() == pytest.approx([0.6, 0.4, 1.0, 0.5])


@pytest.mark.parametrize("scale", [1.0, 1e-30, 1e30])
def test_an_l2_step_is_as_long_as_asked_however_small_the_gradient(batch_of, scale):
    x = torch.full((1, 1, 1, 2), 0.5)
    moved = ascend(batch_of(x, "l2:1"), x, scale * torch.tensor([[[[3.0, -4.0]]]]), 0.1)
    assert (moved - x).flatten().tolist() == pytest.approx([0.06, -0.08], abs=1e-6)


@pytest.mark.parametrize("threat", ["linf:0.1", "l2:0.5", "l1:1"])
def test_no_gradient_no_step(batch_of, threat):
    x = torch.rand(2, 1, 3, 3)
    assert torch.allclose(ascend(batch_of(x, threat), x, torch.zeros_like(x), 0.1), x)


@given(seed=st.integers(0, 2**20), threat=st.sampled_from(["linf:0.2", "l2:0.4", "l1:1"]), size=st.floats(1e-3, 3))
@settings(max_examples=40, deadline=None)
def test_a_step_climbs_a_linear_function_inside_the_threat(batch_of, seed, threat, size):
    numbers = torch.Generator().manual_seed(seed)
    x, grad = torch.rand(3, 1, 2, 3, generator=numbers).double(), torch.randn(3, 1, 2, 3, generator=numbers).double()
    batch = batch_of(x, threat)
    moved = ascend(batch, x, grad, size)
    assert bool(batch.threat.contains(x, moved, batch.bounds).all())
    assert bool((((moved - x) * grad).flatten(1).sum(1) >= 0).all())


def test_an_l1_step_leads_straight_to_the_best_corner(batch_of):
    x, grad = torch.tensor([[[[0.5, 0.5, 0.5]]]]), torch.tensor([[[[1.0, 3.0, -2.0]]]])
    batch = batch_of(x, "l1:0.8")
    corner = torch.tensor([[[[0.5, 1.0, 0.2]]]])
    assert torch.allclose(ascend(batch, x, grad, 9.0), corner)
    half = ascend(batch, x, grad, 0.4)
    assert torch.allclose(half, (x + corner) / 2)
    assert float(norm_of(half - x, "l1")) == pytest.approx(0.4)


def test_l1_corner_leaves_elements_without_a_gradient_alone():
    x = torch.tensor([[[[0.2, 0.9, 0.5]]]])
    corner = l1_corner(x, torch.tensor([[[[0.0, 2.0, -1.0]]]]), 0.3, (0, 1))
    assert torch.allclose(corner, torch.tensor([[[[0.2, 1.0, 0.3]]]]))
    assert np.isclose(float((corner - x).abs().sum()), 0.3)


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_each_sample_can_have_its_own_step_size_and_ball(batch_of, norm):
    x, grad = torch.full((2, 1, 1, 2), 0.5), torch.tensor([[[[1.0, 0.0]]]]).repeat(2, 1, 1, 1)
    outside = x + torch.tensor([0.3, 0.0])
    sizes, radii = torch.tensor([0.05, 0.4]), torch.tensor([0.4, 0.2])
    moved = ascend(batch_of(x, f"{norm}:0.1"), outside, grad, sizes, radii)
    assert (moved - x)[:, 0, 0, 0].tolist() == pytest.approx([0.35, 0.2])
