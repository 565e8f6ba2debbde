from types import SimpleNamespace

import numpy as np
import pytest
import torch

from robustkit import UsageError
from robustkit.outputs import is_one_logit, output_logits, tuple_widths


def test_logits_alone_first_or_by_name():
    logits = torch.rand(2, 3)
    for output in (logits, (logits, 1), [logits], {"logits": logits}, SimpleNamespace(logits=logits)):
        assert output_logits(output, 2) is logits


def test_an_array_is_taken_as_a_tensor():
    logits = np.eye(3)[:2]
    assert output_logits(logits, 2).tolist() == output_logits((logits, 1), 2).tolist() == [[1, 0, 0], [0, 1, 0]]
    with pytest.raises(UsageError, match="the model's outputs are a ndarray that cannot be converted to a tensor"):
        output_logits(np.array([["a"], ["b"]]), 2)


@pytest.mark.parametrize("shape", [(2, 3, 1, 1), (2, 3, 1)])
def test_trailing_sides_of_length_one_are_dropped(shape):
    logits = torch.rand(2, 3)
    assert torch.equal(output_logits(logits.reshape(shape), 2), logits)


@pytest.mark.parametrize("shape", [(2,), (2, 1), (2, 1, 1, 1)])
def test_one_logit_is_two_classes(shape):
    z = torch.tensor([-1.5, 2.0])
    assert output_logits(z.reshape(shape), 2).tolist() == [[0, -1.5], [0, 2]]
    assert is_one_logit(z.reshape(shape), 2)
    assert not is_one_logit(torch.rand(2, 2), 2)
    assert output_logits(z[1], 1).tolist() == [[0, 2]]


@pytest.mark.parametrize(
    "wrong", ["text", (), {"scores": torch.rand(2, 3)}, torch.rand(3, 3), torch.rand(3), torch.rand(2, 3, 2), torch.rand(2, 0)]
)
def test_anything_else_is_one_sentence(wrong):
    with pytest.raises(UsageError, match="expected logits"):
        output_logits(wrong, 2)


def test_a_class_is_no_logit():
    with pytest.raises(UsageError, match="class scores instead of classes"):
        output_logits(torch.tensor([1, 0]), 2)


def test_the_widths_in_a_tuple():
    logits, features = torch.rand(2, 3), torch.rand(2, 7)
    assert tuple_widths((logits, features, features[:, :, None], 1)) == [3, 7]
    assert tuple_widths(logits) == []
