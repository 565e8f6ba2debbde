import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from robustkit.attacks.minimum_norm.unit import unit


def test_zero_stays_zero():
    assert torch.equal(unit(torch.zeros(2, 1, 2, 2)), torch.zeros(2, 1, 2, 2))


@pytest.mark.parametrize("scale", [1e-37, 1e-25, 1.0, 1e25])
def test_squares_neither_vanish_nor_overflow(scale):
    delta = scale * torch.tensor([[3.0, -4.0], [0.0, 2.0]])
    assert torch.allclose(unit(delta), torch.tensor([[0.6, -0.8], [0.0, 1.0]]))


@given(seed=st.integers(0, 2**20), scale=st.floats(1e-6, 1e6))
@settings(max_examples=30, deadline=None)
def test_only_the_direction_matters(seed, scale):
    delta = torch.randn(3, 2, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    assert torch.allclose(unit(delta).flatten(1).norm(dim=1), torch.ones(3).double())
    assert torch.allclose(unit(scale * delta), unit(delta))
