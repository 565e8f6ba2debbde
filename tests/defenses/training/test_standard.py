"""Standard training uses the clean images."""

import pytest
import torch
from torch.nn import functional

from robustkit.build import recipe
from robustkit.errors import UsageError


def test_a_step_is_one_pass_on_the_images_and_needs_no_threat(watched):
    batch = watched(None)
    assert torch.equal(batch.step(recipe("standard")), batch.batch.x)
    assert (batch.model.forwards, batch.model.backwards) == (0, 0)


def test_the_loss_is_the_cross_entropy(watched):
    batch = watched("linf:0.1")  # the threat is ignored
    expected = functional.cross_entropy(batch.model.logits(batch.batch.x), batch.batch.y)
    assert torch.allclose(recipe("standard").loss(batch.batch), expected)


def test_smoothed_labels_share_their_weight_with_all_classes(watched):
    batch = watched(None)
    log_probabilities = batch.model.logits(batch.batch.x).log_softmax(1)
    expected = 0.8 * functional.nll_loss(log_probabilities, batch.batch.y) - 0.2 * log_probabilities.mean()
    assert torch.allclose(recipe("standard:smoothing=0.2").loss(batch.batch), expected)


@pytest.mark.parametrize("share", ["1", "-0.1", "nan"])
def test_other_shares_are_refused(share):
    with pytest.raises(UsageError, match=r"smoothing=.* must be a share from 0 to below 1"):
        recipe(f"standard:smoothing={share}")
