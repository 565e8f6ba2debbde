"""Madry's training replaces every image by an iterative attack's last iterate."""

import pytest
import torch

from robustkit.build import recipe
from robustkit.errors import UsageError
from robustkit.threats import Threat


@pytest.mark.parametrize(
    ("spec", "threat", "steps"),
    [
        ("pgd:steps=3", "linf:0.1", 3),
        ("pgd:steps=7,step_size=0.02", "l2:0.5", 7),
        ("pgd:attack=mi-fgsm,steps=2", "linf:0.1", 2),
        ("pgd:steps=2", "l1:3", 2),
        ("pgd:steps=2", "linf:0.1,targeted", 2),
    ],
)
def test_costs_its_steps_and_one_training_pass(watched, spec, threat, steps):
    batch = watched(threat)
    images = batch.step(recipe(spec))
    assert (batch.model.forwards, batch.model.backwards) == (8 * steps, 8 * steps)
    assert not torch.equal(images, batch.batch.x)
    assert batch.batch.threat.contains(batch.batch.x, images, (0.0, 1.0)).all()


def test_its_images_have_a_greater_loss(watched):
    batch = watched("linf:0.1")
    worst, plain = (recipe(spec).loss(batch.batch).item() for spec in ("pgd:steps=5", "standard"))
    assert worst > plain


@pytest.mark.parametrize(("threat", "message"), [(None, "trains against a threat"), ("l0:3", "does not support l0")])
def test_refuses_a_threat_it_cannot_train_against(threat, message):
    with pytest.raises(UsageError, match=message):
        recipe("pgd").check(None if threat is None else Threat.parse(threat))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("pgd:steps=0", "must be at least 1"),
        ("pgd:attack=pgdd", "unknown"),
        ("pgd:attack=uap", "attack 'uap' is not iterative"),
    ],
)
def test_refuses_wrong_values_before_any_batch(spec, message):
    with pytest.raises(UsageError, match=message):
        recipe(spec)
