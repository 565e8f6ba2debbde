"""SimBA keeps improvements, tries both signs of each direction, and uses every basis vector once."""

import math

import pytest
import torch
from torch import nn

from robustkit import InputSpec, Model, UsageError
from robustkit.attacks.score.simba import vectors
from robustkit.build import attack
from robustkit.contracts.result import Status
from robustkit.threats import Threat


class Score(nn.Module):
    """Logits ``(30, w.x)``: class 0 is always predicted, and each query is recorded."""

    def __init__(self, w):
        super().__init__()
        self.w, self.asked = nn.Parameter(w), []

    def forward(self, x):
        self.asked.append(x.detach().clone())
        score = x.flatten(1) @ self.w
        return torch.stack([torch.full_like(score, 30.0), score], 1)


def run(w, x, eps="l2:100", **params):
    net = Score(w).requires_grad_(False)
    model = Model(net, spec=InputSpec(channels=x.shape[1]), device="cpu")
    result = attack("simba", **params)(model, x, torch.zeros(len(x), dtype=torch.int64), Threat.parse(eps))
    return result, net.asked


@pytest.mark.parametrize("length", [1, 2, 5, 8])
def test_cosines_are_orthonormal_and_ordered(length):
    waves = vectors("dct", length, torch.float64, torch.device("cpu"))
    assert torch.allclose(waves @ waves.T, torch.eye(length, dtype=torch.float64), atol=1e-12)
    changes = (waves.sign().diff(dim=1) != 0).sum(1)
    assert changes.tolist() == list(range(length))


def test_pixels_move_once_in_the_right_direction():
    w = torch.linspace(-1, 1, 16, dtype=torch.float64)
    x = torch.full((3, 1, 4, 4), 0.5, dtype=torch.float64)
    result, _ = run(w, x, "l2:4", steps=16, basis="pixel")
    delta = (result.x_adv - x).flatten(1)
    moved = delta.abs() > 1e-9
    assert bool((moved.sum(1) >= 8).all())
    assert torch.allclose(delta, 0.2 * moved * w.sign())
    assert result.forwards.tolist() == [18] * 3
    assert result.status.tolist() == [int(Status.FAILED)] * 3


def test_both_signs_are_tried_and_blocked_steps_cost_no_query():
    x = torch.zeros(1, 1, 1, 3, dtype=torch.float64)
    x[..., 1] = 0.5
    w = torch.tensor([-1.0, -1, -1], dtype=torch.float64)
    result, asked = run(w, x, "l2:1", steps=3, basis="pixel", step_size=0.1)
    moves = [tuple(round(v, 9) for v in (query - x).flatten().tolist()) for query in asked[1:]]
    assert moves.count((0, 0.1, 0)) == 1
    assert moves.index((0, -0.1, 0)) == moves.index((0, 0.1, 0)) + 1
    assert (0, 0, 0) not in moves
    assert float(result.x_adv[0, 0, 0, 1]) <= 0.5


def test_low_frequencies_come_first():
    x = torch.full((1, 1, 16, 16), 0.5, dtype=torch.float64)
    w = torch.zeros(256, dtype=torch.float64)
    _, asked = run(w, x, "l2:10", steps=8, step_size=0.01)
    waves = vectors("dct", 16, torch.float64, torch.device("cpu"))
    for query in asked[1:9]:
        spectrum = waves @ (query - x)[0, 0] @ waves.T
        assert int((spectrum.abs() > 1e-9).sum()) == 1
        assert float(spectrum[:2, :2].abs().max()) == pytest.approx(0.01)


def test_images_outside_the_ball_are_scaled_back():
    w = torch.ones(64, dtype=torch.float64)
    x = torch.full((2, 1, 8, 8), 0.3, dtype=torch.float64)
    result, _ = run(w, x, "l2:0.7", steps=200, basis="pixel")
    gain = (result.x_adv - x).flatten(1).sum(1)
    assert bool((result.distance <= 0.7 + 1e-9).all())
    assert bool((gain > 0.8 * 0.7 * math.sqrt(64)).all())


@pytest.mark.parametrize(("params", "message"), [({"step_size": 0}, "step_size=0"), ({"basis": "wavelet"}, "wavelet")])
def test_wrong_parameters(params, message):
    with pytest.raises(UsageError, match=message):
        attack("simba", **params)
