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
        If they are no numbers, or rows differ in shape.
    """
    if isinstance(values, Tensor):
        return values
    try:
        if isinstance(values, (list, tuple)) and values and all(isinstance(part, Tensor) for part in values):
            return torch.stack(list(values))
        array = np.asarray(values)
        if array.dtype.kind not in "buif":
            raise TypeError(f"they hold {array.dtype.name}")
        if isinstance(values, (list, tuple)) and array.dtype == np.float64:
            array = array.astype(np.float32)  # Python's numbers have no precision of their own
        if array.dtype.kind == "u" and array.dtype.itemsize > 1:
            array = array.astype(np.int64)  # torch computes with no wider unsigned type
        return torch.from_numpy(np.require(array, array.dtype.newbyteorder("="), ["C", "W"]))
    except (TypeError, ValueError, RuntimeError) as error:
        raise UsageError(
            f"{what} are a {type(values).__name__} that does not become a tensor ({error}): give a tensor, a NumPy array or "
            "lists of numbers, all rows of one shape"
        ) from error
