"""Recipes are given what they train on."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from robustkit import Model
from robustkit.build import attack
from robustkit.contracts.preprocessor import DefenseInfo
from robustkit.contracts.recipe import Recipe, TrainingBatch
from robustkit.errors import UsageError
from robustkit.iterative import IterativeAttack
from robustkit.threats import Threat


def batch(model: Model, threat: str, seed: int = 0) -> TrainingBatch:
    x = torch.rand(40, 1, 12, 12, generator=torch.Generator().manual_seed(1))
    return TrainingBatch(
        x=x, y=torch.arange(40) % 3, sample_ids=torch.arange(40), forward=model, model=model,
        threat=Threat.parse(threat), num_classes=3, seed=seed,
    )  # fmt: skip


def test_a_targeted_threat_aims_at_random_other_classes(curved_model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    aimed: list[Tensor] = []
    monkeypatch.setattr(
        "robustkit.contracts.recipe.perturb",
        lambda attack, model, samples, threat, seed: (aimed.append(samples.targets), samples.x)[1],
    )
    pgd = attack("pgd")
    assert isinstance(pgd, IterativeAttack)
    for seed in (0, 0, 1):
        given = batch(curved_model, "linf:0.1,targeted", seed)
        given.attacked(pgd)
    first, same, other = aimed
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
    assert bool((first != given.y).all())
    assert set(first.tolist()) == {0, 1, 2}
    batch(curved_model, "linf:0.1").attacked(pgd)
    assert aimed[-1] is None


def test_a_recipe_without_its_threat_says_so() -> None:
    class Mine(Recipe):
        info = DefenseInfo(name="mine", kind="training", paper="")

        def loss(self, batch: TrainingBatch) -> Tensor:
            return batch.x.sum()

    Mine().check(Threat.parse("linf:0.1"))
    with pytest.raises(UsageError, match="recipe 'mine' trains against a threat: give one, such as --threat"):
        Mine().check(None)


def test_training_needs_an_attack_that_takes_steps(curved_model: Model) -> None:
    with pytest.raises(UsageError, match="attack 'uap' is not iterative and cannot be used in training"):
        batch(curved_model, "linf:0.1", 0).attacked(attack("uap"))
