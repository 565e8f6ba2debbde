"""Standard training uses the clean images."""

import torch
from torch.nn import functional

from robustkit.build import recipe


def test_a_step_is_one_pass_on_the_images_and_needs_no_threat(watched):
    batch = watched(None)
    assert torch.equal(batch.step(recipe("standard")), batch.batch.x)
    assert (batch.model.forwards, batch.model.backwards) == (0, 0)


def test_the_loss_is_the_cross_entropy(watched):
    batch = watched("linf:0.1")  # the threat is ignored
    expected = functional.cross_entropy(batch.model.logits(batch.batch.x), batch.batch.y)
    assert torch.allclose(recipe("standard").loss(batch.batch), expected)
