"""The network that a model source returns, with metadata on its input and classes."""

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
    """A network, and the properties of the model to build from it.

    Parameters
    ----------
    net
        The network, from preprocessed images to outputs.
    spec
        How image files are prepared for it.
    mean, std
        One value per channel, for images in `bounds`.
    classes
        Class names in the order of the outputs, if the source knows them.
    bounds
        Minimum and maximum pixel value.
    knowledge
        What an attacker can get from it: ``white-box`` (gradients), ``score`` or ``decision``.
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
    """A network without metadata: images of any size, with the number of channels of its first convolution."""
    weights = [module.weight for module in net.modules() if isinstance(module, nn.Conv2d)]
    weights = weights or [value for value in net.parameters() if value.ndim == 4]  # a TorchScript program has no `Conv2d`
    return Network(net, InputSpec(channels=1 if weights and weights[0].shape[1] == 1 else 3))


def check_finite(net: nn.Module, name: str) -> None:
    """Raise `UsageError` if a parameter contains NaN or infinity. A buffer may, such as an attention mask with -inf."""
    for key, parameter in net.named_parameters():
        if odd_kind(parameter) or parameter.itemsize == 1 or bool(parameter.isfinite().all()):
            continue
        problem = "NaN" if bool(parameter.isnan().any()) else "infinite values"
        raise UsageError(
            f"{shown(name)}: {shown(key)} contains {problem}: the training run diverged, or the weights are damaged; constants "
            "such as masks belong in buffers"
        )


def note(sentence: str) -> None:
    """Print a note for the user on stderr."""
    print(f"robustkit: {sentence}", file=sys.stderr)
