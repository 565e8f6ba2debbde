"""A torch network under test, untouched afterwards."""

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
    """A torch network as a model: what ``Model(net, ...)`` is.

    It owns normalisation and resizing, and adapts what the network returns. A network may write on its input, which is a copy. One
    that answers with one logit z an image has the two classes ``(0, z)``. The network's mode, parameters, buffers, hooks and the
    global random state are as before after every call.

    Parameters
    ----------
    net
        The network. It is moved to the model's device; nothing else about it is changed.
    settings
        As of `Model`.

    Raises
    ------
    UsageError
        Also if lazy or meta tensors of the network have no values.
    """

    net: nn.Module

    def __init__(self, net: nn.Module, **settings: Any) -> None:
        check_network(net)
        super().__init__(net, **settings)
        self.to_device(self.device)

    def held(self) -> AbstractContextManager[None]:
        """Evaluation mode and no parameter gradients; modes, gradient flags and buffers are put back exactly."""
        return held_still(self.net)

    def to_device(self, device: str | torch.device) -> None:
        """Move the network, and take images there from now on."""
        super().to_device(device)
        self.net = self.net.to(self.device)

    @property
    def dtype(self) -> torch.dtype:
        """The network's floating type; float32 if it has no parameters."""
        return next((p.dtype for p in self.net.parameters() if p.is_floating_point()), torch.float32)

    @property
    def parameters(self) -> int:
        """How many parameters the network has."""
        return sum(parameter.numel() for parameter in self.net.parameters())

    def _handed(self, x: Tensor) -> Tensor:
        return x.view_as(x)  # preprocessing makes the copy


Model.of_network = TorchModel


def network_of(model: Model, use: str) -> nn.Module:
    """The torch network of a model.

    Parameters
    ----------
    use
        What it is for, to go on with "needs a torch network".

    Raises
    ------
    UsageError
        If the model is of a kind that has none.
    """
    if not isinstance(model.net, nn.Module):
        raise UsageError(
            f"{use} needs a torch network, and {model.name} is a {type(model.undefended).__name__}: give a model of one"
        )
    return model.net
