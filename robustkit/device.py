"""Devices by name, and detection of out-of-memory errors."""

from __future__ import annotations

import torch

from robustkit.errors import UsageError


def resolve_device(device: str | torch.device) -> torch.device:
    """The device of this name; ``auto`` is the GPU if there is one, else the CPU.

    Raises
    ------
    UsageError
        If torch does not know the device, or this machine does not have it.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        resolved = torch.device(device)
    except (RuntimeError, TypeError, ValueError):
        raise UsageError(f"device {device!r} is unknown: write auto, cpu, cuda or cuda:N") from None
    if resolved.type == "cpu":
        return torch.device("cpu")
    if resolved.type == "cuda" and not torch.cuda.is_available():
        raise UsageError(f"device {str(device)!r} was requested, but this machine has no CUDA GPU: use auto or cpu")
    try:
        torch.zeros(1, device=resolved).item()
    except Exception as error:  # every backend has its own error type
        raise UsageError(f"device {str(device)!r} is not available on this machine: write auto, cpu, cuda or cuda:N") from error
    return resolved


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that a device or the host ran out of memory."""
    return isinstance(error, torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError)
        and any(sign in str(error) for sign in ("out of memory", "can't allocate memory", "not enough memory"))
    )
