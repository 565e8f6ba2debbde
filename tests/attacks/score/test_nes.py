"""Gradients estimated from antithetic Gaussian queries match a linear model's gradient."""

import math

import pytest
import torch
from torch import nn

from robustkit import InputSpec, Model, UsageError
from robustkit.attacks.score.nes import gaussian
from robustkit.build import attack
from robustkit.threats import Threat


class Score(nn.Module):
    """Logits ``(10, w.x)``, with recorded queries."""

    def __init__(self, n):
        super().__init__()
        self.w = nn.Parameter(torch.randn(n, generator=torch.Generator().manual_seed(3), dtype=torch.float64).sign())
        self.asked = []

    def forward(self, x):
        self.asked.append(x.detach().clone())
        score = 0.1 * (x.flatten(1) @ self.w)
        return torch.stack([torch.full_like(score, 10.0), score], 1)


def run(threat, **params):
    net, x = Score(16).requires_grad_(False), torch.full((3, 1, 4, 4), 0.5, dtype=torch.float64)
    model = Model(net, spec=InputSpec(channels=1), device="cpu")
    result = attack("nes", **params)(model, x, torch.zeros(3, dtype=torch.int64), Threat.parse(threat))
    return result, net, x


@pytest.mark.parametrize(("threat", "best"), [("linf:0.1", 0.1 * 16), ("l2:0.5", 0.5 * math.sqrt(16))])
def test_climbs_a_linear_model(threat, best):
    result, net, x = run(threat, steps=600)
    gain = (result.x_adv - x).flatten(1) @ net.w
    assert bool((gain > 0.93 * best).all())
    assert bool((gain <= best + 1e-9).all())
    assert result.forwards.tolist() == [602] * 3


def test_queries_come_in_pairs_around_the_image_and_then_it_moves():
    _, net, x = run("linf:0.2", steps=8, population=4, step_size=0.05)
    asked = net.asked[1:]
    assert torch.allclose(asked[0] + asked[1], 2 * x)
    assert torch.allclose(asked[2] + asked[3], 2 * x)
    assert not torch.allclose(asked[0], asked[2])
    centre = (asked[4] + asked[5]) / 2
    assert torch.allclose((centre - x).abs(), torch.full_like(x, 0.05))
    difference = sum(
        (one - two) * ((one - two).flatten(1) @ net.w)[:, None, None, None] for one, two in (asked[:2], asked[2:4])
    )
    assert torch.equal((centre - x).sign(), difference.sign())


def test_noise_is_standard_normal(batch_of):
    ids = torch.arange(40)
    b = batch_of(torch.zeros(40, 1, 25, 41, dtype=torch.float64))
    noise = gaussian(b, ids * 0).flatten()
    n = len(noise)
    assert abs(float(noise.mean())) < 4 / math.sqrt(n)
    assert abs(float(noise.square().mean()) - 1) < 4 * math.sqrt(2 / n)
    assert abs(float((noise**4).mean()) - 3) < 0.2
    for bound, share in ((1, 0.1587), (2, 0.02275)):
        assert float((noise > bound).double().mean()) == pytest.approx(share, rel=0.1)
    halves = gaussian(b, ids * 0).flatten(1)
    assert abs(float((halves[:, :512] * halves[:, 513:1025]).mean())) < 0.03
    assert not torch.equal(halves, gaussian(b, ids * 0 + 1).flatten(1))


@pytest.mark.parametrize("params", [{"sigma": 0}, {"step_size": -1}])
def test_wrong_parameters(params):
    (name, value) = next(iter(params.items()))
    with pytest.raises(UsageError, match=f"{name}={value}"):
        attack("nes", **params)
