"""On a linear model the minimal perturbation is known, and each attack comes within a stated factor of it."""

import pytest
import torch
from torch import nn

from robustkit.build import attack
from robustkit.model import Model
from robustkit.spec import InputSpec
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
    ("spec", "norm"),
    [
        ("ddn", "l2"),
        ("fmn", "linf"),
        ("fmn", "l2"),
        ("fmn", "l1"),
        ("cw", "l2"),
        ("ead", "l1"),
        ("pdgd", "l2"),
        ("pdpgd", "linf"),
        ("pdpgd", "l2"),
        ("pdpgd", "l1"),
    ],
)
def test_within_a_hundredth_of_the_closed_form(linear, spec, norm):
    model, x, y, closed = linear
    result = attack(spec)(model, x, y, Threat.parse(f"{norm}:0.001"))
    factor = result.nearest_distance / closed[norm]
    assert bool((factor >= 1 - 1e-9).all())
    assert float(factor.median()) <= 1.01, factor.tolist()


@pytest.mark.parametrize("name", ["fmn", "pdpgd"])
def test_l0_changes_as_few_elements_as_can_be(linear, name):
    model, x, y, _ = linear
    weight = model.net[1].weight[0]
    toward = weight * torch.where(y == 0, -1.0, 1.0)[:, None]
    room = torch.where(toward > 0, 2 - x.flatten(1), x.flatten(1) + 2)
    gain = (weight.abs() * room).sort(dim=1, descending=True).values.cumsum(1)
    least = 1 + (gain < (x.flatten(1) @ weight).abs()[:, None]).sum(1)
    result = attack(name)(model, x, y, Threat.parse("l0:1"))
    assert torch.equal(result.nearest_distance.long(), least)


@pytest.mark.parametrize(
    ("spec", "norm"),
    [
        ("ddn", "l2"),
        ("fmn", "linf"),
        ("fmn", "l2"),
        ("fmn", "l1"),
        ("cw", "l2"),
        ("ead:steps=200", "l1"),
        ("pdgd:learning_rate=0.1", "l2"),
    ],
)
def test_targeted_within_a_hundredth_of_the_closed_form(spec, norm):
    """Towards the third of three classes whose planes meet nowhere near, so that no other class stands between."""
    first = torch.randn(12, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    net = nn.Sequential(nn.Flatten(), nn.Linear(12, 3).double())
    with torch.no_grad():
        net[1].weight.copy_(torch.stack([first, torch.zeros(12), -first]))
        net[1].bias.copy_(torch.tensor([0.0, -2.0, 0.0]))
    model = Model(net, spec=InputSpec(channels=1), bounds=(-2.0, 2.0), device="cpu")
    x = 0.5 * torch.randn(8, 1, 3, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    y = model.logits(x).argmax(1)
    closed = (x.flatten(1) @ first).abs() / first.norm(DUAL[norm])
    result = attack(spec)(model, x, y, Threat.parse(f"{norm}:0.001,targeted"), targets=2 - y)
    assert float((result.nearest_distance / closed).median()) <= 1.01


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
