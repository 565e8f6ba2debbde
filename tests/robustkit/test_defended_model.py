"""Attacks go through the defenses of a model, by their own gradients or stated substitutes."""

from __future__ import annotations

import pytest
import torch

from robustkit import Model
from robustkit.build import attack, defend
from robustkit.defended_model import DefendedModel
from robustkit.threats import Threat
from tests.transforms import Doubled, Rounded


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


def test_the_transform_applied_last_meets_images_first(curved_model: Model) -> None:
    once = DefendedModel(curved_model, (Doubled(),))
    twice = DefendedModel(once, (Rounded(), *once.defenses))
    x = torch.rand(4, 1, 12, 12)
    assert torch.allclose(twice.logits(x), curved_model.logits(2 * x.round()), atol=1e-5)
    assert twice.undefended is once.undefended is curved_model


def test_a_defended_model_keeps_what_its_model_knows(curved_model: Model) -> None:
    model = Model(
        curved_model.net, spec=curved_model.spec, device="cpu", bounds=(0, 2), mean=[0.5], std=[2.0], name="n", batch_size=3
    ).with_draws(5)
    shield = DefendedModel(model, (Doubled(),))
    assert (shield.bounds, shield.name, shield.batch_size, shield.draws, shield.knowledge) == ((0, 2), "n", 3, 5, "white-box")
    x = torch.rand(2, 1, 12, 12)
    assert torch.allclose(shield.logits(x), model.logits(2 * x), atol=1e-5)
