"""A torch network as a model under test, which is left unchanged."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn

from robustkit.construction import check_network
from robustkit.contracts.model import Model
from robustkit.errors import UsageError
from robustkit.freezing import held_still


class TorchModel(Model):
    """A torch network as a model; the class of ``Model(net, ...)``.

    It normalises and resizes images, and converts the network's outputs. The network may modify its input, which is a copy. A
    network that returns one logit z per image has the two classes ``(0, z)``. The network's mode, parameters, buffers, hooks and
    the global random state are restored after every call.

    Parameters
    ----------
    net
        The network. It is moved to the model's device, and otherwise unchanged.
    settings
        As of `Model`.

    Raises
    ------
    UsageError
        Also if the network has lazy or meta tensors, which have no values.
    """

    net: nn.Module

    def __init__(self, net: nn.Module, **settings: Any) -> None:
        check_network(net)
        super().__init__(net, **settings)
        self.to_device(self.device)

    def held(self) -> AbstractContextManager[None]:
        """A context in evaluation mode without parameter gradients; modes, gradient flags and buffers are restored exactly."""
        return held_still(self.net)

    def to_device(self, device: str | torch.device) -> None:
        """Move the network and the model to another device."""
        super().to_device(device)
        self.net = self.net.to(self.device)

    @property
    def dtype(self) -> torch.dtype:
        """The network's floating-point type; float32 if it has no parameters."""
        return next((p.dtype for p in self.net.parameters() if p.is_floating_point()), torch.float32)

    @property
    def parameters(self) -> int:
        """The number of parameters of the network."""
        return sum(parameter.numel() for parameter in self.net.parameters())

    def _handed(self, x: Tensor) -> Tensor:
        return x.view_as(x)  # preprocessing makes the copy


Model.of_network = TorchModel


def network_of(model: Model, use: str) -> nn.Module:
    """The torch network of a model.

    Parameters
    ----------
    use
        Its purpose, the subject of "needs a torch network" in the message.

    Raises
    ------
    UsageError
        If the model has none.
    """
    if not isinstance(model.net, nn.Module):
        raise UsageError(
            f"{use} needs a torch network, but {model.name} is a {type(model.undefended).__name__}: give a model with a torch network"
        )
    return model.net
