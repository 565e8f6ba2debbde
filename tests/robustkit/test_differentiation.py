"""Each image's own gradient, in exact cases."""

import pytest
import torch

from robustkit.differentiation import differentiate
from robustkit.errors import UsageError


def refuse(cause):
    return UsageError(f"none: {cause}")


def squares(x):
    return (x**2).flatten(1)


X = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).reshape(2, 1, 1, 2)


def test_one_loss_an_image():
    outputs, losses, grad = differentiate(squares, lambda out: out[:, 0] + 3 * out[:, 1], X, refuse)
    assert outputs.tolist() == [[1, 4], [9, 16]]
    assert losses.tolist() == [13, 57]
    assert grad.flatten(1).tolist() == [[2, 12], [6, 24]]
    assert not any(each.requires_grad for each in (outputs, losses, X))


def test_several_losses_an_image():
    _, losses, grad = differentiate(squares, lambda out: out, X, refuse)
    assert losses.tolist() == [[1, 4], [9, 16]]
    assert grad.flatten(2).tolist() == [[[2, 0], [0, 4]], [[6, 0], [0, 8]]]


def test_also_where_gradients_are_off():
    with torch.no_grad():
        assert differentiate(squares, lambda out: out[:, 0], X, refuse)[2].flatten(1).tolist() == [[2, 0], [6, 0]]


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (lambda x: squares(x.detach()), "runs under no_grad"),
        (lambda x: torch.ones(2, 2, requires_grad=True) * 1, "do not depend differentiably"),
        (torch.inference_mode()(squares), "runs under no_grad|Inference tensors"),
    ],
)
def test_a_missing_gradient_is_one_sentence(answer, cause):
    with pytest.raises(UsageError, match=f"^none: .*({cause})"):
        differentiate(answer, lambda out: out[:, 0], X, refuse)


def test_an_error_of_the_networks_own_passes():
    def crash(x):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1"):
        differentiate(crash, lambda out: out, X, refuse)
