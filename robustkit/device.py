"""Where a model runs: a device by name, and whether its memory is full."""

from __future__ import annotations

import torch

from robustkit.errors import UsageError


def resolve_device(device: str | torch.device) -> torch.device:
    """``auto`` is the GPU where there is one, else the CPU.

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
        raise UsageError(f"device {str(device)!r} was asked for, but this machine has no CUDA GPU: use auto or cpu")
    try:
        torch.zeros(1, device=resolved).item()
    except Exception as error:  # every backend has an error of its own
        raise UsageError(f"device {str(device)!r} is not there on this machine: write auto, cpu, cuda or cuda:N") from error
    return resolved


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that a device or the host had no memory left."""
    return isinstance(error, torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError)
        and any(sign in str(error) for sign in ("out of memory", "can't allocate memory", "not enough memory"))
    )
