"""Images, labels and targets as a caller has them: tensors, NumPy arrays or nested lists."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from robustkit.errors import UsageError


def as_tensor(values: Any, what: str) -> Tensor:
    """The values as a tensor; a tensor is returned as it is.

    Parameters
    ----------
    values
        A tensor, a NumPy array, numbers in nested lists, or a list of tensors or arrays of one shape.
    what
        What they are, for the message: ``images``, ``labels``, ``targets``.

    Raises
    ------
    UsageError
        If they are no numbers, rows differ in shape, or a tensor is not dense.
    """
    if isinstance(values, Tensor):
        return _dense(values, what)
    try:
        if isinstance(values, (list, tuple)) and values and all(isinstance(part, Tensor) for part in values):
            return _dense(torch.stack(list(values)), what)
        array = np.asarray(values)
        if array.dtype.kind not in "buif":
            raise TypeError(f"they hold {array.dtype.name}")
        if isinstance(values, (list, tuple)) and array.dtype == np.float64:
            array = array.astype(np.float32)  # Python's numbers have no precision of their own
        if array.dtype.kind == "u" and array.dtype.itemsize > 1:
            array = array.astype(np.int64)  # torch computes with no wider unsigned type
        return torch.from_numpy(np.require(array, array.dtype.newbyteorder("="), ["C", "W"]))
    except UsageError:
        raise
    except (TypeError, ValueError, RuntimeError) as error:
        raise UsageError(
            f"{what} are a {type(values).__name__} that does not become a tensor ({error}): give a tensor, a NumPy array or "
            "lists of numbers, all rows of one shape"
        ) from error


def odd_kind(tensor: Tensor) -> str:
    """What a tensor is called that does not hold a plain value at each place, such as ``sparse_coo``; empty for all others."""
    if tensor.is_quantized:
        return "quantised"
    if tensor.is_meta:
        return "meta"
    if tensor.layout != torch.strided:
        return str(tensor.layout).removeprefix("torch.")
    return "nested" if tensor.is_nested else ""


def _dense(tensor: Tensor, what: str) -> Tensor:
    kind = odd_kind(tensor)
    if kind:
        raise UsageError(f"{what} are a {kind} tensor: give a dense one, which holds a plain number at each place")
    return tensor
