"""Gradient-based flow, optionally smoothed."""

import pytest
import torch
from torch import nn

from robustkit import InputSpec, Model, Threat, UsageError, attack


class Left(nn.Module):
    """Class 1 if the left half of the image is brighter than the right by more than a tenth of all light."""

    def forward(self, x):
        half = x.shape[-1] // 2
        lead = x[..., :half].flatten(1).sum(1) - x[..., half:].flatten(1).sum(1) - 0.1 * x.flatten(1).sum(1)
        return torch.stack([-lead, lead], dim=1)


@pytest.fixture
def model():
    return Model(Left(), spec=InputSpec(channels=1), device="cpu")


def bar():
    """A bright column just left of the middle, which must move one pixel to the right."""
    x = torch.zeros(1, 1, 6, 8, dtype=torch.float64)
    x[..., 3] = 1
    return x, torch.tensor([1])


@pytest.mark.parametrize("smoothing", [0, 1.0])
def test_a_bar_is_pushed_over_the_middle(model, smoothing):
    x, y = bar()
    threat = Threat.parse("flow:1")
    result = attack("stadv", smoothing=smoothing)(model, x, y, threat)
    assert result.success.all()
    assert threat.contains(x, result.x_adv, (0.0, 1.0), result.witness).all()
    assert float(result.witness.abs().max()) <= 1


def test_too_small_a_flow_fails_and_returns_its_best_effort(model):
    x, y = bar()
    result = attack("stadv", smoothing=0)(model, x, y, Threat.parse("flow:0.2"))
    assert not result.success.any()
    assert float(result.x_adv[..., 3].mean()) < 0.95


def roughness(witness):
    field = witness.reshape(-1, 2, 6, 8)
    return float((field.diff(dim=2).abs().mean() + field.diff(dim=3).abs().mean()) / field.abs().mean())


def test_a_smoothed_flow_is_smoother(model):
    x = torch.rand(4, 1, 6, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    y = model.logits(x).argmax(1)
    rough, smooth = (
        attack("stadv", smoothing=s, steps=10, early_exit=False)(model, x, y, Threat.parse("flow:0.05")).witness
        for s in (0, 2.0)
    )
    assert roughness(smooth) < 0.5 * roughness(rough)


def test_smoothing_out_of_range():
    with pytest.raises(UsageError, match="smoothing=-1"):
        attack("stadv", smoothing=-1)
