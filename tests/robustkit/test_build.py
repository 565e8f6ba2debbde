"""Plugins by name are what they are asked to be, with parameters from the text and from keywords."""

import pytest
import torch

from robustkit import registry
from robustkit.build import attack, defend, preprocessor, recipe
from robustkit.defended_model import DefendedModel
from robustkit.errors import UsageError


def test_parameters_come_from_the_text_and_keywords_win():
    assert attack("pgd:steps=7,restarts=2", steps=9) == attack("pgd", steps=9, restarts=2)
    assert preprocessor("jpeg:quality=50") == preprocessor("jpeg", quality=50)
    assert recipe("fast:alpha=2.0") == recipe("fast", alpha=2.0)


@pytest.mark.parametrize(
    ("make", "spec", "message"),
    [
        (attack, "pdg", "unknown"),
        (attack, "pgd:stepz=3", "stepz"),
        (preprocessor, "fast", r"not an input transform: train with it \(robustkit harden --recipe fast\)"),
        (recipe, "jpeg", r"not a training recipe: apply it as an input transform \(--defense jpeg\)"),
    ],
)
def test_what_is_unknown_or_of_another_kind_is_refused(make, spec, message):
    with pytest.raises(UsageError, match=message):
        make(spec)


def test_a_plugin_that_is_no_attack_is_refused(monkeypatch):
    monkeypatch.setattr(registry, "build", lambda group, name, params: 3)
    with pytest.raises(UsageError, match="plugin 'mine' is a int, which is not a robustkit Attack"):
        attack("mine")


def test_a_second_defense_stands_in_front_of_the_first(linear_model):
    once = defend(linear_model, "bit-depth", bits=3)
    twice = defend(once, "median:size=3")
    assert isinstance(twice, DefendedModel)
    assert twice.defenses == (preprocessor("median:size=3"), preprocessor("bit-depth:bits=3"))
    assert twice.undefended is linear_model
    assert torch.equal(once.logits(torch.full((1, 1, 2, 2), 0.51)), linear_model.logits(torch.full((1, 1, 2, 2), 4 / 7)))
