"""The gradient of each image's own loss, by autograd, and the sentence where none flows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from robustkit.errors import UsageError, first_line
from robustkit.outputs import mapped

LossFunction = Callable[[Any], Tensor]

#: Makes the error for want of a gradient, from its cause.
Refusal = Callable[[str], UsageError]

#: What torch says in its own errors of a function that it cannot differentiate.
NOT_DIFFERENTIABLE = ("derivative for", "modified by an inplace operation", "does not require grad", "Inference tensors")


def differentiate(
    answer: Callable[[Tensor], Any], loss: LossFunction, x: Tensor, refuse: Refusal
) -> tuple[Any, Tensor, Tensor]:
    """One forward and one backward pass: outputs, losses and gradients, as `robustkit.contracts.model.Model.gradient` returns them.

    Raises
    ------
    UsageError
        What `refuse` makes, if no gradient reaches the images.
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
        raise refuse("what it computes with does not come from its input differentiably")
    return grad


def _derivatives(columns: Tensor, leaf: Tensor, again: Callable[[], Tensor], refuse: Refusal) -> list[Tensor]:
    """The gradient of each of several values of one forward pass."""
    last = len(columns) - 1
    try:
        return [_derivative(column, leaf, refuse, retain=j < last) for j, column in enumerate(columns)]
    except RuntimeError as error:
        if "donated buffers" not in str(error):
            raise
    # A compiled network gives its buffers away in its first backward pass: it is asked anew for each value.
    return [_derivative(again()[j], leaf, refuse) for j in range(len(columns))]
