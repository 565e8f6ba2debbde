"""The gradient of each image's loss by autograd, and the error if there is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from robustkit.errors import UsageError, first_line
from robustkit.outputs import mapped

LossFunction = Callable[[Any], Tensor]

#: Returns the error for a missing gradient, given its cause.
Refusal = Callable[[str], UsageError]

#: Parts of torch's error messages for functions that it cannot differentiate.
NOT_DIFFERENTIABLE = ("derivative for", "modified by an inplace operation", "does not require grad", "Inference tensors")


def differentiate(
    answer: Callable[[Tensor], Any], loss: LossFunction, x: Tensor, refuse: Refusal
) -> tuple[Any, Tensor, Tensor]:
    """Outputs, losses and gradients of one forward and one backward pass; see `robustkit.contracts.model.Model.gradient`.

    Raises
    ------
    UsageError
        The error from `refuse`, if no gradient reaches the images.
    """
    with torch.enable_grad():
        leaf = x.detach().requires_grad_()

        def ask() -> tuple[Any, Tensor]:
            outputs = answer(leaf)
            return outputs, loss(outputs)

        try:
            outputs, losses = ask()
            if not losses.requires_grad:
                raise refuse("it runs under no_grad, detaches, or is not differentiable")
            if losses.ndim == 1:
                grad = _derivative(losses.sum(), leaf, refuse)
            else:
                grad = torch.stack(_derivatives(losses.sum(0), leaf, lambda: ask()[1].sum(0), refuse), dim=1)
        except RuntimeError as error:
            if not any(sign in str(error) for sign in NOT_DIFFERENTIABLE):
                raise
            raise refuse(first_line(error)) from error
    return mapped(Tensor.detach, outputs), losses.detach(), grad


def _derivative(value: Tensor, leaf: Tensor, refuse: Refusal, retain: bool = False) -> Tensor:
    (grad,) = torch.autograd.grad(value, leaf, retain_graph=retain, allow_unused=True)
    if grad is None:
        raise refuse("its outputs do not depend differentiably on its input")
    return grad


def _derivatives(columns: Tensor, leaf: Tensor, again: Callable[[], Tensor], refuse: Refusal) -> list[Tensor]:
    """The gradient of each of several values of one forward pass."""
    last = len(columns) - 1
    try:
        return [_derivative(column, leaf, refuse, retain=j < last) for j, column in enumerate(columns)]
    except RuntimeError as error:
        if "donated buffers" not in str(error):
            raise
    # A compiled network frees its buffers in the first backward pass, so each value needs a new forward pass.
    return [_derivative(again()[j], leaf, refuse) for j in range(len(columns))]
