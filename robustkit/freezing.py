"""A frozen network: in evaluation mode, without parameter gradients, and restored exactly afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def held_still(net: nn.Module) -> Iterator[None]:
    """A context in evaluation mode without parameter gradients; modes, gradient flags and buffers are restored afterwards."""
    # A frozen TorchScript program has no mode.
    modes = [(module, module.training) for module in net.modules() if hasattr(module, "training")]
    wanted = [(parameter, parameter.requires_grad) for parameter in net.parameters()]
    buffers = [
        (module._buffers, name, buffer, buffer.clone())
        for module in net.modules()
        for name, buffer in module._buffers.items()
        if buffer is not None
    ]
    try:
        for module, _ in modes:
            module.training = False
        for parameter, _ in wanted:
            parameter.requires_grad_(False)
        yield
    finally:
        for module, training in modes:
            module.training = training
        for parameter, requires_grad in wanted:
            parameter.requires_grad_(requires_grad)
        with torch.no_grad():
            for owner, name, buffer, copy in buffers:
                owner[name] = buffer  # a forward pass may modify a buffer or replace it
                if not torch.equal(buffer, copy):  # batch norm modifies it without increasing the tensor's version
                    buffer.copy_(copy)
