"""What a model is told before an audit spends time on it."""

import pytest
import torch
from torch import nn

from robustkit import Model, UsageError
from robustkit.benchmarks.planning.check import check_model
from robustkit.data import as_data
from robustkit.threats import Threat


class Net(nn.Module):
    """Three logits, and what `last` makes of them."""

    def __init__(self, last):
        super().__init__()
        self.last, self.head = last, nn.Linear(12, 3)

    def forward(self, x):
        return self.last(3 * self.head(x.flatten(1)))


def flags(last, classes=3, **settings):
    y = torch.arange(20) % classes
    data = as_data((torch.rand(20, 3, 2, 2), y))
    found = check_model(Model(Net(last), device="cpu", **settings), data, [Threat.parse("linf:0.1")], skip_broken=False)
    return {flag.id: flag for flag in found}


def test_plain_logits_say_nothing():
    assert flags(lambda z: z) == {}
    assert flags(lambda z: {"logits": z, "features": z}) == {}
    assert flags(lambda z: z[:, :, None, None]) == {}


@pytest.mark.parametrize(
    ("last", "classes", "name"),
    [
        (lambda z: z.softmax(1), 3, "softmax"),
        (lambda z: z.sigmoid(), 3, "sigmoid"),
        (lambda z: z[:, :1].sigmoid(), 2, "sigmoid"),
        (lambda z: z[:, 0].sigmoid(), 2, "sigmoid"),
    ],
)
def test_probabilities_are_noticed(last, classes, name):
    flag = flags(last, classes)["probabilities"]
    assert flag.weakens
    assert f"Remove the final {name}." in flag.sentence


def test_of_scores_without_gradients_the_differences_vanish_and_decisions_are_no_probabilities():
    (flag,) = flags(lambda z: z.softmax(1), knowledge="score").values()
    assert "differences that attacks need vanish. Remove the final softmax, or return the logarithms." in flag.sentence
    assert flags(lambda z: nn.functional.one_hot(z.argmax(1), 3).float(), knowledge="decision") == {}


@pytest.mark.parametrize(("scale", "noticed"), [(1, False), (0.2, False), (1e-3, True), (1e-8, True)])
def test_logits_on_a_tiny_scale_are_noticed(scale, noticed):
    found = flags(lambda z: scale * z).get("flat")
    assert (found is not None) == noticed
    if found is not None:
        assert found.weakens
        assert "dividing them by a small temperature" in found.sentence


def test_one_logit_is_said_to_be_two_classes():
    flag = flags(lambda z: z[:, 0], 2)["outputs"]
    assert not flag.weakens
    assert "two logits (0, z)" in flag.sentence


def test_a_tuple_says_what_was_taken():
    flag = flags(lambda z: (z, z.repeat(1, 5)))["outputs"]
    assert not flag.weakens
    assert "whose first entry is used as the logits" in flag.sentence


def test_features_before_the_logits_are_refused():
    with pytest.raises(UsageError, match="first entry has 15 columns and another 3, but labels go up to 2"):
        flags(lambda z: (z.repeat(1, 5), z))
    model = Model(Net(lambda z: (z.repeat(1, 2), z)), device="cpu", classes=list("abcdef"))  # whoever names six means them
    data = as_data((torch.rand(20, 3, 2, 2), torch.arange(20) % 3))
    assert [flag.id for flag in check_model(model, data, [], skip_broken=False)] == ["outputs"]


def test_answers_that_depend_on_the_batch_are_noticed_at_batch_size_one():
    norm = nn.BatchNorm2d(3, track_running_stats=False)
    flag = flags(nn.Sequential(nn.Unflatten(1, (3, 1, 1)), nn.Upsample((1, 2)), norm, nn.Flatten()), batch_size=1)[
        "batch-dependent"
    ]
    assert flag.weakens


def test_a_network_that_fails_on_the_images_is_one_sentence():
    with pytest.raises(UsageError, match=r"cannot take images of shape \(3, 2, 2\)"):
        flags(nn.BatchNorm1d(3, track_running_stats=False).train(), batch_size=1)
