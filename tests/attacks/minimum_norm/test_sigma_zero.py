"""Sigma-zero against a simple reimplementation of the authors' code, and against closed forms."""

import math

import pytest
import torch
from torch import nn

from robustkit import InputSpec, Model, UsageError
from robustkit.build import attack
from robustkit.engine.search import _Search
from robustkit.threats import Threat

STEPS = 30


def network():
    net = nn.Sequential(nn.Conv2d(1, 6, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 30, 4)).double()
    numbers = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.normal_(0, parameter[0].numel() ** -0.5, generator=numbers)
    return net


def data():
    return torch.rand((6, 1, 6, 5), generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def follow(net, x, y):
    """The authors' code of arXiv 2402.01879 for one image, in plain loops."""
    delta, mean, square = (torch.zeros_like(x) for _ in range(3))
    size, threshold, path = 1.0, 0.3, []
    for i in range(STEPS):
        path.append(x + delta)
        d = delta.clone().requires_grad_()
        logits = net((x + d)[None])[0]
        lead = logits[y] - torch.cat([logits[:y], logits[y + 1 :]]).max()
        loss = lead.clamp(min=0) + (d**2 / (d**2 + 1e-3)).mean()
        grad = torch.autograd.grad(loss, d)[0]
        grad = grad / grad.abs().max().clamp(min=1e-12)
        mean, square = 0.9 * mean + 0.1 * grad, 0.999 * square + 0.001 * grad**2
        step = mean / (1 - 0.9 ** (i + 1)) / ((square / (1 - 0.999 ** (i + 1))).sqrt() + 1e-8)
        delta = (x + delta - size * step).clamp(0, 1) - x
        size = 0.1 + 0.45 * (1 + math.cos(math.pi * i / STEPS))
        won = int(logits.argmax()) != y
        threshold = min(max(threshold + (0.01 if won else -0.01) * size, 0), 1)
        delta[delta.abs() < threshold] = 0
    return path


def test_queries_the_authors_points(monkeypatch):
    net, x = network(), data()
    y = net(x).argmax(1)
    seen = []
    absorb = _Search._absorb
    monkeypatch.setattr(_Search, "_absorb", lambda s, b, z, *rest: (seen.append(z.clone()), absorb(s, b, z, *rest))[1])
    model = Model(net, spec=InputSpec(channels=1), device="cpu")
    attack("sigma-zero", steps=STEPS)(model, x, y, Threat.parse("l0:3"))
    for i in range(len(x)):
        for k, point in enumerate(follow(net, x[i], int(y[i]))):
            assert torch.allclose(seen[k][i], point, atol=1e-7), (i, k)


def test_the_box_may_have_any_width():
    net, x = network(), data()
    y = net(x).argmax(1)
    wide = nn.Sequential(Halved(), net)
    narrow = attack("sigma-zero", steps=STEPS)(Model(net, spec=InputSpec(channels=1), device="cpu"), x, y, Threat.parse("l0:3"))
    model = Model(wide, bounds=(-1, 1), spec=InputSpec(channels=1), device="cpu")
    other = attack("sigma-zero", steps=STEPS)(model, 2 * x - 1, y, Threat.parse("l0:3"))
    assert torch.equal(narrow.nearest_distance, other.nearest_distance)
    assert torch.allclose(2 * narrow.nearest - 1, other.nearest, atol=1e-9)


class Halved(nn.Module):
    """Maps images from [-1, 1] to [0, 1]."""

    def forward(self, x):
        return (x + 1) / 2


class Weighted(nn.Module):
    """Class 0 until the weighted sum of the pixels exceeds a threshold."""

    def forward(self, x):
        score = (x.flatten(1) * torch.tensor([1.0, 3.0, 2.0, 5.0, 0.5, 4.0], dtype=x.dtype)).sum(1) - 8.5
        return torch.stack([-score, score], dim=1)


@pytest.mark.parametrize("goal", ["", ",targeted"])
def test_a_linear_model_needs_its_heaviest_elements(goal):
    x, y = torch.zeros(1, 1, 2, 3), torch.zeros(1, dtype=torch.int64)
    model = Model(Weighted(), spec=InputSpec(channels=1), device="cpu")
    targets = torch.ones_like(y) if goal else None
    result = attack("sigma-zero", steps=200)(model, x, y, Threat.parse(f"l0:3{goal}"), targets=targets)
    assert result.success.all()
    assert result.nearest_distance.tolist() == [2]  # 5 + 4 > 8.5


@pytest.mark.parametrize("parameters", [{"sigma": 0}, {"step_size": -1}, {"threshold_rate": 0}, {"threshold": 2}])
def test_parameters_out_of_range(parameters):
    with pytest.raises(UsageError, match=next(iter(parameters))):
        attack("sigma-zero", **parameters)
