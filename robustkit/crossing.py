"""Copies between host and device that do not stall the device.

An ordinary blocking copy waits until the device has finished all queued work.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def sent(values: Tensor, device: torch.device) -> Tensor:
    """The tensor on a device. A copy from the host is asynchronous: work queued afterwards sees its values."""
    return values.to(device, non_blocking=values.device.type == "cpu")


def constant(values: float | Sequence[Any], like: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """Numbers as a tensor on the device of `like`, and of its dtype if none is given."""
    return sent(torch.tensor(values, dtype=dtype or like.dtype), like.device)


class Readback:
    """An asynchronous copy of a tensor to the host. Work queued before `wait` keeps the device busy."""

    def __init__(self, values: Tensor) -> None:
        device, self._values, self._event = values.device, values, None
        # A device without streams, such as Metal, cannot signal the end of a single copy.
        stream = None if device.type == "cpu" else getattr(torch.get_device_module(device), "current_stream", None)
        if stream is not None:
            self._values = values.to("cpu", non_blocking=True)
            self._event = stream(device).record_event()

    def wait(self) -> Tensor:
        """The values on the host, once the copy has finished."""
        if self._event is not None:
            self._event.synchronize()
        return self._values.cpu()
