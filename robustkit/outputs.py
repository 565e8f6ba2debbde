"""Conversion of network outputs to logits: one row per image, one column per class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from robustkit.arrays import as_tensor
from robustkit.errors import UsageError


def output_logits(output: Any, batch: int) -> Tensor:
    """The logits ``(batch, K)`` in what a network returned.

    Parameters
    ----------
    output
        A tensor or array, a tuple that starts with one, or an object or mapping with ``logits``. Trailing dimensions of size 1
        are dropped; one number per image, ``(batch, 1)`` or ``(batch,)``, is the logit z of class 1 and becomes ``(0, z)``.
    batch
        Number of images.

    Raises
    ------
    UsageError
        If the output is none of these.
    """
    logits = _taken(output, batch)
    if logits.ndim < 2 and logits.numel() == batch:
        logits = logits.reshape(batch, 1)
    elif logits.ndim > 2 and logits.shape[2:].numel() == 1:
        logits = logits.flatten(1)
    if logits.ndim != 2 or logits.shape[0] != batch or logits.shape[1] < 1:
        raise UsageError(f"the model returned shape {tuple(logits.shape)}; expected logits of shape ({batch}, classes)")
    if not logits.is_floating_point():
        raise UsageError(
            f"the model returned {logits.dtype}; expected floating-point logits of shape ({batch}, classes): return class "
            "scores instead of classes, or one-hot rows if only the class is known"
        )
    return logits if logits.shape[1] > 1 else torch.cat([torch.zeros_like(logits), logits], dim=1)


def _taken(output: Any, batch: int) -> Tensor:
    if isinstance(output, Mapping) and "logits" in output:
        output = output["logits"]
    elif not isinstance(output, Tensor) and hasattr(output, "logits"):
        output = output.logits
    elif isinstance(output, (tuple, list)) and output:
        output = output[0]
    if isinstance(output, Tensor):
        return output
    if isinstance(output, np.ndarray):
        return as_tensor(output, "the model's outputs")
    holds = f" of {', '.join(map(str, list(output)[:5]))}" if isinstance(output, Mapping) else ""
    raise UsageError(
        f"the model returned a {type(output).__name__}{holds}; expected logits of shape ({batch}, classes), alone, first in a "
        "tuple, or under the name logits"
    )


def is_one_logit(output: Any, batch: int) -> bool:
    """Whether a network returns one number per image, which `output_logits` converts to two classes."""
    return _taken(output, batch).numel() == batch


def tuple_widths(output: Any) -> list[int]:
    """The number of columns of each ``(B, columns)`` tensor in a tuple; empty if the output is not a tuple."""
    if not isinstance(output, (tuple, list)) or hasattr(output, "logits"):
        return []
    return [entry.shape[1] for entry in output if isinstance(entry, Tensor) and entry.ndim == 2]


def mapped(function: Callable[[Tensor], Tensor], outputs: Any) -> Any:
    """The outputs with `function` applied to every tensor in nested lists, tuples and dicts; other values stay."""
    if isinstance(outputs, Tensor):
        return function(outputs)
    if isinstance(outputs, Mapping):
        return {key: mapped(function, value) for key, value in outputs.items()}
    if isinstance(outputs, (list, tuple)):
        return [mapped(function, value) for value in outputs]
    return outputs
