"""An attack that goes through a defense does better than one that does not know it."""

import pytest
import torch
from torch import nn

from robustkit.build import attack, defend
from robustkit.model import Model
from robustkit.spec import InputSpec
from robustkit.threats import Threat


@pytest.fixture
def curved_model() -> Model:
    """A random network with curved boundaries on 1x12x12 images."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.Tanh(), nn.Conv2d(8, 8, 3), nn.Tanh(), nn.Flatten(), nn.Linear(512, 3))
    for parameter in net.parameters():
        parameter.data *= 3
    return Model(net, spec=InputSpec(channels=1), device="cpu")


@pytest.mark.parametrize("defense", ["jpeg:quality=50", "median:size=3", "bit-depth:bits=3"])
def test_beats_the_one_that_does_not_know(defense: str, curved_model: Model) -> None:
    x = torch.rand(96, 1, 12, 12, generator=torch.Generator().manual_seed(2))
    shield = defend(curved_model, defense)
    y = shield.logits(x).argmax(1)
    threat, pgd = Threat.parse("linf:0.05"), attack("pgd", steps=20)
    adaptive = pgd(shield, x, y, threat)
    assert (adaptive.zero_gradients == 0).all()
    blind = pgd(curved_model, x, y, threat).x_adv
    robust_to_blind = (shield.logits(blind).argmax(1) == y).float().mean()
    assert adaptive.robust.float().mean() < robust_to_blind


def test_a_chain_is_attacked_as_a_whole(curved_model: Model) -> None:
    chain = defend(defend(curved_model, "bit-depth:bits=5"), "median")
    x = torch.rand(8, 1, 12, 12, generator=torch.Generator().manual_seed(3))
    y = chain.logits(x).argmax(1)
    result = attack("pgd", steps=5, early_exit=False)(chain, x, y, Threat.parse("linf:0.1"))
    assert (result.zero_gradients == 0).all()
    assert result.success.any()
