"""``file:weights.safetensors``: weights for a given architecture, read without running any code."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from robustkit.arrays import odd_kind
from robustkit.errors import UsageError, first_line
from robustkit.models.entries import Entry, choose, shown
from robustkit.models.network import note
from robustkit.models.weights import read_weights

#: Maximum size of a checkpoint relative to the weights: it may also contain averages and optimizer state, in double precision.
_TIMES, _AT_LEAST = 16, 2**28


def load_into(net: nn.Module, path: Path, key: str | None = None) -> None:
    """Load a file's weights into a network.

    Parameters
    ----------
    net
        Changed in place.
    path
        A safetensors file, or a torch file, which is read with ``weights_only``.
    key
        The entry of the file to use; None takes the only one that fits.

    Raises
    ------
    UsageError
        If the file cannot be read, or its weights do not fit the network.
    UnsafeFileError
        If reading it would run code.
    """
    wanted = {name: value for name, value in net.state_dict().items() if isinstance(value, Tensor)}
    entry = _chosen(path, wanted, key)
    _check(path, entry.tensors, wanted)
    if key is None and (entry.key != "." or entry.aside):
        aside = (
            f", without other tensors ({shown(entry.aside[0])}{', …' if len(entry.aside) > 1 else ''})" if entry.aside else ""
        )
        note(f"{path}: the weights are those in {shown(entry.key)}{aside}")
    try:
        net.load_state_dict(dict(entry.tensors), strict=False)
    except Exception as error:
        raise UsageError(f"the weights in {path} cannot be loaded into {type(net).__name__}: {first_line(error)}") from error


def _chosen(path: Path, wanted: Mapping[str, Tensor], key: str | None) -> Entry:
    size = sum(value.nbytes for value in wanted.values() if not is_lazy(value))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 2**34
    loaded = read_weights(path, min(memory, max(_TIMES * size, _AT_LEAST)))
    try:
        return choose(loaded, wanted, key)
    except UsageError as error:
        raise UsageError(f"{path} {error}") from None


def _check(path: Path, tensors: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
    """Raise `UsageError` if a tensor's kind does not fit the network, such as quantised weights, or it contains NaN."""
    for name, tensor in tensors.items():
        problem = _problem(tensor, wanted[name])
        if problem:
            raise UsageError(f"{path}: {shown(name)} {problem}")


def _problem(tensor: Tensor, wanted: Tensor) -> str:
    kind = odd_kind(tensor)
    if kind == "meta":
        return "is a meta tensor, which has a shape and no values: save the weights from a device"
    if kind:
        return f"is a {kind} tensor: save dense weights"
    if (tensor.is_floating_point(), tensor.is_complex()) != (wanted.is_floating_point(), wanted.is_complex()):
        here, there = (str(dtype).removeprefix("torch.") for dtype in (tensor.dtype, wanted.dtype))
        return f"is {here} where the network has {there}: save the weights before quantisation or conversion"
    if tensor.is_floating_point() and bool(tensor.isnan().any()):
        return "contains NaN: the training run diverged, or the file is damaged"
    return ""
