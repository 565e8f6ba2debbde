import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from robustkit.attacks.score.ball import to_ball


def test_linf_is_cut_and_l2_is_scaled(batch_of):
    x = torch.tensor([[[[0.5, 0.5, 0.9]]]])
    far = x + torch.tensor([0.3, -0.05, 0.4])
    assert to_ball(batch_of(x, "linf:0.2"), far).flatten().tolist() == pytest.approx([0.7, 0.45, 1.0])
    far = x + torch.tensor([0.3, -0.4, 0.0])
    assert to_ball(batch_of(x, "l2:0.1"), far).flatten().tolist() == pytest.approx([0.56, 0.42, 0.9])


@given(seed=st.integers(0, 2**20), threat=st.sampled_from(["linf:0.2", "l2:0.7"]), length=st.floats(0, 2))
@settings(max_examples=30, deadline=None)
def test_images_come_into_the_threat_and_those_inside_stay(batch_of, seed, threat, length):
    numbers = torch.Generator().manual_seed(seed)
    x = torch.rand(4, 2, 3, 3, generator=numbers, dtype=torch.float64)
    far = x + length * torch.randn(x.shape, generator=numbers, dtype=torch.float64)
    batch = batch_of(x, threat)
    back = to_ball(batch, far)
    assert bool(batch.threat.contains(x, back, batch.bounds).all())
    assert torch.allclose(to_ball(batch, back), back, atol=1e-12)
