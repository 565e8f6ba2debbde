"""Conversion of images, labels and targets from NumPy arrays or nested lists to tensors."""

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
        Their name in the message: ``images``, ``labels``, ``targets``.

    Raises
    ------
    UsageError
        If they are not numbers, rows differ in shape, or a tensor is not dense.
    """
    if isinstance(values, Tensor):
        return _dense(values, what)
    try:
        if isinstance(values, (list, tuple)) and values and all(isinstance(part, Tensor) for part in values):
            return _dense(torch.stack(list(values)), what)
        array = np.asarray(values)
        if array.dtype.kind not in "buif":
            raise TypeError(f"they contain {array.dtype.name}")
        if isinstance(values, (list, tuple)) and array.dtype == np.float64:
            array = array.astype(np.float32)  # Python floats do not imply a precision
        if array.dtype.kind == "u" and array.dtype.itemsize > 1:
            array = array.astype(np.int64)  # torch does not compute with wider unsigned types
        return torch.from_numpy(np.require(array, array.dtype.newbyteorder("="), ["C", "W"]))
    except UsageError:
        raise
    except (TypeError, ValueError, RuntimeError) as error:
        raise UsageError(
            f"{what} are a {type(values).__name__} that cannot be converted to a tensor ({error}): give a tensor, a NumPy array or "
            "lists of numbers, all rows of one shape"
        ) from error


def odd_kind(tensor: Tensor) -> str:
    """The kind of a tensor that is not dense, such as ``sparse_coo``; empty for dense tensors."""
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
        raise UsageError(f"{what} are a {kind} tensor: give a dense tensor")
    return tensor
