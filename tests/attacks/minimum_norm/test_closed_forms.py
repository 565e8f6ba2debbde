"""On a linear model the minimal perturbation is known, and each attack comes within a stated factor of it."""

import pytest
import torch
from torch import nn

from robustkit.build import attack
from robustkit.model import InputSpec, Model
from robustkit.threats import Threat

DUAL = {"linf": 1, "l2": 2, "l1": torch.inf}


@pytest.fixture(scope="module")
def linear():
    """Two classes, images so far from the walls of a wide box that none is met."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(12, 2).double())
    with torch.no_grad():
        weight = torch.randn(12, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        net[1].weight.copy_(torch.stack([weight, -weight]))
        net[1].bias.zero_()
    model = Model(net, spec=InputSpec(channels=1), bounds=(-2.0, 2.0), device="cpu")
    x = 0.5 * torch.randn(8, 1, 3, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    lead = (x.flatten(1) @ weight).abs()
    return model, x, model.logits(x).argmax(1), {norm: lead / weight.norm(p) for norm, p in DUAL.items()}


@pytest.mark.parametrize(
    ("spec", "norm", "limit"),
    [
        ("ddn:steps=200", "l2", 1.01),
        ("fmn:steps=200", "linf", 1.01),
        ("fmn:steps=200", "l2", 1.01),
        ("fmn:steps=300", "l1", 1.01),
        ("cw:steps=300", "l2", 1.02),
        ("ead:steps=300", "l1", 1.01),
    ],
)
def test_close_to_the_closed_form(linear, spec, norm, limit):
    model, x, y, closed = linear
    result = attack(spec)(model, x, y, Threat.parse(f"{norm}:0.001"))
    factor = result.nearest_distance / closed[norm]
    assert bool((factor >= 1 - 1e-9).all())
    assert float(factor.median()) <= limit, factor.tolist()


@pytest.mark.parametrize("name", ["ddn", "fmn", "cw", "pdgd", "pdpgd"])
def test_targeted_finds_the_class_asked_for(name):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 4))
    model = Model(net, spec=InputSpec(channels=1), device="cpu")
    x = torch.rand(6, 1, 3, 4, generator=torch.Generator().manual_seed(3))
    y = model.logits(x).argmax(1)
    targets = (y + 1) % 4
    result = attack(name, steps=100)(model, x, y, Threat.parse("l2:3,targeted"), targets=targets)
    found = result.nearest_distance.isfinite()
    assert int(found.sum()) >= 3
    assert torch.equal(model.logits(result.nearest[found]).argmax(1), targets[found])
