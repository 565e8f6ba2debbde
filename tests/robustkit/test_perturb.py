import pytest
import torch
from torch import nn

from robustkit import Model
from robustkit.build import attack
from robustkit.contracts.samples import Samples
from robustkit.errors import UsageError
from robustkit.perturb import perturb
from robustkit.spec import InputSpec
from robustkit.threats import Threat


@pytest.fixture
def small() -> Model:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Tanh(), nn.Flatten(), nn.Linear(48, 4))
    return Model(net, spec=InputSpec(channels=1), device="cpu")


@pytest.mark.parametrize("threat", ["linf:0.1", "l2:0.5", "l1:2", "linf:0.1,targeted"])
@pytest.mark.parametrize("steps", [1, 4])
def test_costs_its_steps_and_nothing_else(small: Model, threat: str, steps: int) -> None:
    x, y = torch.rand(8, 1, 6, 6), torch.arange(8) % 4
    budget = Threat.parse(threat)
    targets = (y + 1) % 4 if budget.targeted else None
    buffers = [buffer.clone() for buffer in small.net.buffers()]
    x_adv = perturb(attack("pgd", steps=steps), small, Samples(x, y, torch.arange(8), targets), budget)
    assert (small.forwards, small.backwards) == (8 * steps, 8 * steps)
    assert budget.contains(x, x_adv, small.bounds).all()
    assert not x_adv.requires_grad
    assert small.net.training
    assert all(torch.equal(a, b) for a, b in zip(buffers, small.net.buffers(), strict=True))


@pytest.mark.parametrize("name", ["mi-fgsm", "bim", "apgd-ce", "pgd"])
def test_any_iterative_attack_raises_the_loss(small: Model, name: str) -> None:
    x = torch.rand(32, 1, 6, 6, generator=torch.Generator().manual_seed(1))
    y = small.logits(x).argmax(1)
    x_adv = perturb(attack(name, steps=5), small, Samples(x, y, torch.arange(32)), Threat.parse("linf:0.1"))
    before, after = (nn.functional.cross_entropy(small.logits(images), y) for images in (x, x_adv))
    assert after > before


def test_refuses_a_threat_the_attack_does_not_answer(small: Model) -> None:
    with pytest.raises(UsageError, match="does not support l0"):
        perturb(
            attack("pgd"), small, Samples(torch.rand(1, 1, 6, 6), torch.tensor([0]), torch.tensor([0])), Threat.parse("l0:3")
        )
