"""What a source of models hands over: the network, and what its own metadata says of its input and its classes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from robustkit.arrays import odd_kind
from robustkit.contracts.model import Model
from robustkit.contracts.threat import Knowledge
from robustkit.errors import UsageError
from robustkit.models.entries import shown
from robustkit.projections import Bounds
from robustkit.spec import InputSpec
from robustkit.torch_model import TorchModel


@dataclass(frozen=True)
class Network:
    """A network, and the kind of model that is made of it.

    Parameters
    ----------
    net
        The network, from preprocessed images to outputs.
    spec
        How files become its images.
    mean, std
        A value a channel, for images in `bounds`.
    classes
        Class names in the order of the outputs, where the source knows them.
    bounds
        The least and the greatest pixel value.
    knowledge
        What the network gives an attacker: ``white-box`` gradients, ``score`` or ``decision``.
    kind
        The class of the model.
    """

    net: Callable[[Tensor], Any]
    spec: InputSpec = field(default_factory=InputSpec)
    mean: Sequence[float] | None = None
    std: Sequence[float] | None = None
    classes: Sequence[str] | None = None
    bounds: Bounds = (0.0, 1.0)
    knowledge: Knowledge = "white-box"
    kind: type[Model] = TorchModel


def plain_network(net: nn.Module) -> Network:
    """A network nothing else is known of: images of any size, with as many channels as its first convolution takes."""
    weights = [module.weight for module in net.modules() if isinstance(module, nn.Conv2d)]
    weights = weights or [value for value in net.parameters() if value.ndim == 4]  # a TorchScript program has no such classes
    return Network(net, InputSpec(channels=1 if weights and weights[0].shape[1] == 1 else 3))


def check_finite(net: nn.Module, name: str) -> None:
    """Raise `UsageError` if a parameter holds NaN or infinity. A buffer may: the mask of an attention holds -inf."""
    for key, parameter in net.named_parameters():
        if odd_kind(parameter) or parameter.itemsize == 1 or bool(parameter.isfinite().all()):
            continue
        problem = "NaN" if bool(parameter.isnan().any()) else "infinite values"
        raise UsageError(
            f"{shown(name)}: {shown(key)} holds {problem}: these weights are of a run that diverged, or damaged; what is no weight, "
            "such as a mask, belongs in a buffer"
        )


def note(sentence: str) -> None:
    """Tell the user what was taken for granted, on stderr."""
    print(f"robustkit: {sentence}", file=sys.stderr)
