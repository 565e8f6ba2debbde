"""What crosses between the host's memory and the device's, with the device never idle for it.

A copy that is not told otherwise waits until the device has done all that it was given.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def sent(values: Tensor, device: torch.device) -> Tensor:
    """A tensor on a device. One from the host's memory is on its way: what is launched afterwards finds it there."""
    return values.to(device, non_blocking=values.device.type == "cpu")


def constant(values: float | Sequence[Any], like: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """Numbers as a tensor on the device of another, of its type if none is given."""
    return sent(torch.tensor(values, dtype=dtype or like.dtype), like.device)


class Readback:
    """A tensor on its way to the host. What is launched between its making and `wait` keeps the device busy meanwhile."""

    def __init__(self, values: Tensor) -> None:
        device, self._values, self._event = values.device, values, None
        # A device without streams, such as Metal, cannot say when a copy has arrived before all its work is done.
        stream = None if device.type == "cpu" else getattr(torch.get_device_module(device), "current_stream", None)
        if stream is not None:
            self._values = values.to("cpu", non_blocking=True)
            self._event = stream(device).record_event()

    def wait(self) -> Tensor:
        """The values, in the host's memory."""
        if self._event is not None:
            self._event.synchronize()
        return self._values.cpu()
