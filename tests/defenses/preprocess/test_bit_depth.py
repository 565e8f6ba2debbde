import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from robustkit.defenses.preprocess.bit_depth import BitDepth
from robustkit.errors import UsageError


def test_one_bit_is_a_threshold() -> None:
    x = torch.tensor([0.0, 0.2, 0.49, 0.51, 0.9, 1.0]).reshape(1, 1, 2, 3)
    assert BitDepth(bits=1)(x, (0.0, 1.0)).flatten().tolist() == [0, 0, 0, 1, 1, 1]


@settings(deadline=None)
@given(st.integers(1, 8), st.integers(0, 2**31))
def test_levels_bounds_and_distance(bits: int, seed: int) -> None:
    low, high = -1.0, 2.0
    x = low + (high - low) * torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(seed))
    squeezed = BitDepth(bits=bits)(x, (low, high))
    assert len(squeezed.unique()) <= 2**bits
    assert squeezed.min() >= low
    assert squeezed.max() <= high
    assert (squeezed - x).abs().max() <= 0.5 * (high - low) / (2**bits - 1) + 1e-6
    torch.testing.assert_close(BitDepth(bits=bits)(squeezed, (low, high)), squeezed)


def test_gradient_is_that_of_the_identity() -> None:
    x = torch.rand(1, 1, 4, 4).requires_grad_()
    weight = torch.rand(1, 1, 4, 4)
    (grad,) = torch.autograd.grad((BitDepth(bits=2)(x, (0.0, 1.0)) * weight).sum(), x)
    assert torch.equal(grad, weight)


@pytest.mark.parametrize("bits", [0, 9])
def test_refuses_other_depths(bits: int) -> None:
    with pytest.raises(UsageError, match="from 1 to 8"):
        BitDepth(bits=bits)
