import pytest
import torch

from robustkit import UsageError
from robustkit.contracts.classification import CLASSIFICATION
from robustkit.contracts.samples import Samples

LOGITS = torch.tensor([[2.0, 1.0, 0.0], [0.0, 1.0, 2.0]])
X = torch.full((2, 1, 1, 1), 0.5)


def samples(y, targets=None):
    return Samples(X, torch.tensor(y), torch.arange(2), None if targets is None else torch.tensor(targets))


@pytest.mark.parametrize(
    ("y", "targets", "success", "margin"),
    [
        ([0, 0], None, [False, True], [-1, 2]),
        ([0, 0], [1, 2], [False, True], [-1, 1]),
        ([2, 2], [0, 1], [True, False], [1, -1]),
    ],
)
def test_success_and_margin_agree(y, targets, success, margin):
    given = samples(y, targets)
    assert CLASSIFICATION.success(LOGITS, given).tolist() == success
    assert CLASSIFICATION.margin(LOGITS, given).tolist() == margin


def test_the_loss_is_the_cross_entropy():
    chance = LOGITS.log_softmax(1)
    assert torch.allclose(CLASSIFICATION.loss(LOGITS, samples([0, 1])), -chance[[0, 1], [0, 1]])
    assert torch.allclose(CLASSIFICATION.loss(LOGITS, samples([0, 1], [2, 2])), chance[[0, 1], [2, 2]])


def test_lists_become_classes():
    checked = CLASSIFICATION.checked(Samples(X, [0, 2], torch.arange(2), [1, 1]), (0, 1))
    assert (checked.y.dtype, checked.y.tolist(), checked.targets.tolist()) == (torch.int64, [0, 2], [1, 1])


@pytest.mark.parametrize(
    ("y", "targets", "says"),
    [
        ([0.5, 1.0], None, "expected 2 integers"),
        ([0], None, "expected 2 integers"),
        ([0, 1], [0, 2], "different from its label"),
    ],
)
def test_values_that_are_no_classes(y, targets, says):
    with pytest.raises(UsageError, match=says):
        CLASSIFICATION.checked(Samples(X, y, torch.arange(2), targets), (0, 1))


@pytest.mark.parametrize(
    ("y", "targets", "says"), [([0, 3], None, "labels span 0 to 3"), ([0, 1], [-1, 2], "targets span -1 to 2")]
)
def test_classes_that_the_model_does_not_have(y, targets, says):
    with pytest.raises(UsageError, match=f"{says}, but the model has 3 classes"):
        CLASSIFICATION.check_columns(LOGITS, samples(y, targets))
