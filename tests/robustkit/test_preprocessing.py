"""Resizing and normalisation, in exact cases."""

import torch

from robustkit.preprocessing import preprocess
from robustkit.spec import InputSpec


def test_mean_and_std_are_a_value_a_channel():
    x = torch.ones(2, 2, 3, 3)
    seen = preprocess(x, InputSpec(), [0.5, 0.0], [0.25, 2.0])
    assert seen[:, 0].unique().tolist() == [2.0]
    assert seen[:, 1].unique().tolist() == [0.5]


def test_a_fixed_size_is_reached_inside_the_bounds():
    x = torch.zeros(1, 1, 2, 2)
    x[..., 0] = 1  # an edge, beyond which bicubic overshoots
    seen = preprocess(x, InputSpec(size=(8, 8), interpolation="bicubic"), None, None)
    assert seen.shape == (1, 1, 8, 8)
    assert (float(seen.min()), float(seen.max())) == (0.0, 1.0)
    nearest = preprocess(x, InputSpec(size=(4, 4), interpolation="nearest"), None, None)
    assert nearest[0, 0, 0].tolist() == [1, 1, 0, 0]


def test_the_result_is_a_copy():
    x = torch.rand(1, 3, 2, 2)
    before = x.clone()
    preprocess(x, InputSpec(size=(2, 2)), None, None).zero_()
    assert torch.equal(x, before)


def test_a_gradient_flows_through():
    x = torch.zeros(1, 1, 4, 4, requires_grad=True)
    preprocess(x, InputSpec(size=(2, 2)), [0.5], [0.5]).sum().backward()
    assert torch.allclose(x.grad.sum(), torch.tensor(8.0))
