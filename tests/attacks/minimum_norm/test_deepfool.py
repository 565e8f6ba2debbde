"""DeepFool and SuperDeepFool against simple reimplementations and closed forms."""

import pytest
import torch
from torch import nn

from robustkit import InputSpec, Model, UsageError
from robustkit.build import attack
from robustkit.threats import Threat


def network():
    net = nn.Sequential(nn.Conv2d(1, 6, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 30, 5)).double()
    numbers = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.normal_(0, parameter[0].numel() ** -0.5, generator=numbers)
    return net


def data():
    x = torch.rand((12, 1, 6, 5), generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    return 0.3 + 0.4 * x


def cross(net, x, y, norm, overshoot):
    """The algorithm of arXiv 1511.04599 for one image, in plain loops, with steps clipped to the box."""
    now = x
    for _ in range(50):
        z = now.clone().requires_grad_()
        logits = net(z[None])[0]
        if int(logits.argmax()) != y:
            return now
        best = None
        for k in range(5):
            if k == y:
                continue
            w = torch.autograd.grad(logits[k] - logits[y], z, retain_graph=True)[0]
            length = w.abs().sum() if norm == "linf" else w.square().sum().sqrt()
            way = (logits[k] - logits[y]).detach().abs() / length
            if best is None or way < best[0]:
                best = way, w.sign() if norm == "linf" else w / length
        now = (now + (1 + overshoot) * (best[0] + 1e-4) * best[1]).clamp(0, 1)
    raise AssertionError("no boundary was crossed")


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_result_matches_the_reimplementation(norm):
    net, x = network(), data()
    y = net(x).argmax(1)
    result = attack("deepfool", overshoot=0.02)(
        Model(net, spec=InputSpec(channels=1), device="cpu"), x, y, Threat.parse(f"{norm}:1")
    )
    expected = torch.stack([cross(net, a, int(b), norm, 0.02) for a, b in zip(x, y, strict=True)])
    assert torch.allclose(result.nearest, expected, atol=1e-9)


@pytest.mark.parametrize(("norm", "factor"), [("linf", 1), ("l2", 2)])
@pytest.mark.parametrize("overshoot", [0.005, 0.02])
def test_a_linear_boundary_is_crossed_by_the_overshoot(linear_model, linear_data, norm, factor, overshoot):
    x, y = linear_data
    result = attack("deepfool", overshoot=overshoot)(linear_model, x, y, Threat.parse(f"{norm}:0.001"))
    exact = factor * (x[:, 0, 0, 0] - 0.5)
    assert torch.allclose(result.nearest_distance, (1 + overshoot) * (exact + 1e-4), rtol=1e-4)
    assert (result.forwards <= 5).all()  # the clean pass, two steps and two verifications


def test_only_the_likeliest_classes_are_linearised():
    net, x = network(), data()
    model = Model(net, spec=InputSpec(channels=1), device="cpu")
    result = attack("deepfool", candidates=3)(model, x, net(x).argmax(1), Threat.parse("l2:1"))
    assert torch.equal(result.backwards % 2, torch.zeros_like(result.backwards))
    assert result.nearest_distance.isfinite().all()
    assert attack("deepfool", candidates=3).cost(Threat.parse("l2:1"), 5)[1] == 2 * 50


def test_superdeepfool_meets_a_linear_boundary(linear_model, linear_data):
    x, y = linear_data
    result = attack("superdeepfool")(linear_model, x, y, Threat.parse("l2:0.001"))
    exact = 2 * (x[:, 0, 0, 0] - 0.5)
    assert ((result.nearest_distance / exact - 1).abs() < 1e-3).all()


def test_superdeepfool_is_nearer_than_deepfool():
    net, x = network(), data()
    y = net(x).argmax(1)
    model = Model(net, spec=InputSpec(channels=1), device="cpu")
    once, again = (attack(name)(model, x, y, Threat.parse("l2:1")).nearest_distance for name in ("deepfool", "superdeepfool"))
    assert (again <= once * 1.0001).all()
    assert again.mean() < once.mean()


class Disc(nn.Module):
    """Class 1 outside the circle of radius 0.2 around (0.5, 0.5), so the nearest point is known."""

    def forward(self, x):
        score = (x.flatten(1) - 0.5).square().sum(1) - 0.04
        return torch.stack([-score, score], dim=1)


def test_superdeepfool_projects_onto_the_normal():
    x = torch.tensor([0.6, 0.55], dtype=torch.float64).reshape(1, 1, 1, 2)
    model = Model(Disc(), spec=InputSpec(channels=1), device="cpu")
    result = attack("superdeepfool", search_steps=10)(model, x, torch.tensor([0]), Threat.parse("l2:0.1"))
    assert float(result.nearest_distance) == pytest.approx(0.2 - (0.01 + 0.0025) ** 0.5, rel=1e-4)


def test_no_crossing_within_the_steps_is_a_failure():
    net, x = network(), data()
    y = net(x).argmax(1)
    result = attack("superdeepfool", steps=1)(
        Model(net, spec=InputSpec(channels=1), device="cpu"), x, y, Threat.parse("l2:0.01")
    )
    assert not result.success.any()


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("deepfool", {"overshoot": -0.1}), ("deepfool", {"candidates": 1}), ("superdeepfool", {"search_steps": -1})],
)
def test_parameters_out_of_range(name, parameters):
    with pytest.raises(UsageError, match=next(iter(parameters))):
        attack(name, **parameters)
