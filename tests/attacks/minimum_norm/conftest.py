"""Linear models with known minimal perturbations."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from robustkit import InputSpec, Model, Threat
from robustkit.build import attack
from robustkit.engine.stepping import Response

DUAL = {"linf": 1, "l2": 2, "l1": torch.inf}


def planes(weight: Tensor, bias: Tensor) -> Model:
    """A linear classifier of 1x3x4 images in a box so wide that no bound is reached."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(12, len(bias)).double())
    with torch.no_grad():
        net[1].weight.copy_(weight)
        net[1].bias.copy_(bias)
    return Model(net, spec=InputSpec(channels=1), bounds=(-2.0, 2.0), device="cpu")


def images() -> Tensor:
    return 0.5 * torch.randn(8, 1, 3, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


@pytest.fixture(scope="session")
def excess() -> Callable[[str, str], Tensor]:
    """Ratio of an attack's distance to the minimal distance for two classes: ``excess("ddn", "l2")``."""

    def measure(spec: str, norm: str) -> Tensor:
        weight = torch.randn(12, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        model, x = planes(torch.stack([weight, -weight]), torch.zeros(2)), images()
        result = attack(spec)(model, x, model.logits(x).argmax(1), Threat.parse(f"{norm}:0.001"))
        return result.nearest_distance / ((x.flatten(1) @ weight).abs() / weight.norm(DUAL[norm]))

    return measure


@pytest.fixture(scope="session")
def targeted_excess() -> Callable[[str, str], Tensor]:
    """The same ratio for a target class, with no other class in between."""

    def measure(spec: str, norm: str) -> Tensor:
        weight = torch.randn(12, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
        model, x = planes(torch.stack([weight, 0 * weight, -weight]), torch.tensor([0.0, -2.0, 0.0])), images()
        y = model.logits(x).argmax(1)
        result = attack(spec)(model, x, y, Threat.parse(f"{norm}:0.001,targeted"), targets=2 - y)
        return result.nearest_distance / ((x.flatten(1) @ weight).abs() / weight.norm(DUAL[norm]))

    return measure


@pytest.fixture(scope="session")
def needless_elements() -> Callable[[str], Tensor]:
    """Number of elements that an l0 attack changes beyond the minimum for two classes."""

    def measure(spec: str) -> Tensor:
        weight = torch.randn(12, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        model, x = planes(torch.stack([weight, -weight]), torch.zeros(2)), images()
        y, flat = model.logits(x).argmax(1), x.flatten(1)
        toward = weight * torch.where(y == 0, -1.0, 1.0)[:, None]
        room = torch.where(toward > 0, 2 - flat, flat + 2)
        gain = (weight.abs() * room).sort(dim=1, descending=True).values.cumsum(1)
        least = 1 + (gain < (flat @ weight).abs()[:, None]).sum(1)
        return attack(spec)(model, x, y, Threat.parse("l0:1")).nearest_distance.long() - least

    return measure


@pytest.fixture(scope="session")
def reached() -> Callable[[str], tuple[Tensor, Tensor]]:
    """Predicted classes of an attack's nearest adversarial images on a network of four classes, and their targets."""

    def measure(spec: str) -> tuple[Tensor, Tensor]:
        torch.manual_seed(0)
        net = nn.Sequential(nn.Flatten(), nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 4))
        model = Model(net, spec=InputSpec(channels=1), device="cpu")
        x = torch.rand(6, 1, 3, 4, generator=torch.Generator().manual_seed(3))
        targets = (model.logits(x).argmax(1) + 1) % 4
        result = attack(spec)(model, x, (targets - 1) % 4, Threat.parse("l2:3,targeted"), targets=targets)
        found = result.nearest_distance.isfinite()
        return model.logits(result.nearest[found]).argmax(1), targets[found]

    return measure


@pytest.fixture(scope="session")
def answer() -> Callable[..., Response]:
    """A model's response for two classes, with a given margin and gradient."""

    def make(lead: list[float], grad: Tensor, step: int = 0) -> Response:
        leads = torch.tensor(lead, dtype=grad.dtype)
        steps = torch.full((len(grad),), step)
        return Response(
            logits=torch.stack([-leads / 2, leads / 2], dim=1),
            success=leads > 0,
            margin=leads,
            loss=leads,
            grad=grad,
            step=steps,
            taken=steps,
        )

    return make
