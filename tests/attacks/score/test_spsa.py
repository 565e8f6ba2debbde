"""SPSA on a linear model: Adam's first step equals the learning rate in every element, with the estimated signs."""

import pytest
import torch
from torch import nn

from robustkit import InputSpec, Model, UsageError
from robustkit.build import attack
from robustkit.threats import Threat


class Score(nn.Module):
    """Logits ``(10, w.x)``, with recorded queries."""

    def __init__(self, n):
        super().__init__()
        self.w = nn.Parameter(torch.linspace(-1, 1, n, dtype=torch.float64))
        self.asked = []

    def forward(self, x):
        self.asked.append(x.detach().clone())
        score = 0.1 * (x.flatten(1) @ self.w)
        return torch.stack([torch.full_like(score, 10.0), score], 1)


def run(**params):
    net, x = Score(12).requires_grad_(False), torch.full((3, 1, 3, 4), 0.5, dtype=torch.float64)
    model = Model(net, spec=InputSpec(channels=1), device="cpu")
    result = attack("spsa", **params)(model, x, torch.zeros(3, dtype=torch.int64), Threat.parse("linf:0.1"))
    return result, net, x


def test_climbs_a_linear_model():
    result, net, x = run(steps=600, population=20)
    gain = (result.x_adv - x).flatten(1) @ net.w
    assert bool((gain > 0.9 * 0.1 * net.w.abs().sum()).all())
    assert result.forwards.tolist() == [602] * 3


def test_queries_are_signs_in_pairs():
    _, net, x = run(steps=4, population=4)
    asked = net.asked[1:]
    assert torch.allclose((asked[0] - x).abs(), torch.full_like(x, 0.01))
    assert torch.allclose(asked[0] + asked[1], 2 * x)
    assert len({tuple((asked[0] - x)[i].sign().flatten().tolist()) for i in range(3)}) == 3


def test_moves_are_adams():
    _, net, x = run(steps=6, population=2, step_size=0.02)
    asked, centre = net.asked[1:], x
    mean = square = torch.zeros_like(x)
    for k in range(3):
        assert torch.allclose((asked[2 * k] + asked[2 * k + 1]) / 2, centre, atol=1e-12)
        signs = (asked[2 * k] - centre).sign()
        slope = (0.1 * ((asked[2 * k] - asked[2 * k + 1]).flatten(1) @ net.w) / 0.02)[:, None, None, None]
        mean, square = 0.9 * mean + 0.1 * slope * signs, 0.999 * square + 0.001 * slope.square()
        update = mean / (1 - 0.9 ** (k + 1)) / ((square / (1 - 0.999 ** (k + 1))).sqrt() + 1e-8)
        centre = centre + 0.02 * update


@pytest.mark.parametrize("params", [{"delta": 0}, {"step_size": -1}])
def test_wrong_parameters(params):
    (name, value) = next(iter(params.items()))
    with pytest.raises(UsageError, match=f"{name}={value}"):
        attack("spsa", **params)
