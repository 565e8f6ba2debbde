"""The embedded models, each with half-precision weights and a card; no download."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn

from robustkit.contracts.model import Model
from robustkit.errors import UsageError, did_you_mean
from robustkit.models.networks import fashion_cnn, signs_cnn
from robustkit.spec import InputSpec
from robustkit.torch_model import TorchModel

FOLDER = Path(__file__).parent / "builtin"


@dataclass(frozen=True)
class Embedded:
    """What an embedded model is made of.

    Parameters
    ----------
    network
        Its network with new weights, for a number of classes.
    spec
        Its images.
    data
        The shipped images that it was not trained on.
    """

    network: Callable[[int], nn.Module]
    spec: InputSpec
    data: str


_FASHION = Embedded(fashion_cnn, InputSpec(channels=1, size=(28, 28)), "builtin/fashion")
EMBEDDED = {
    "builtin/fashion-robust": _FASHION,
    "builtin/fashion-standard": _FASHION,
    "builtin/signs-cnn": Embedded(signs_cnn, InputSpec(channels=3, size=(32, 32)), "builtin/signs"),
}


def builtin_names() -> tuple[str, ...]:
    """The names of the embedded models."""
    return tuple(EMBEDDED)


def embedded(name: str) -> Embedded:
    """What an embedded model is made of.

    Raises
    ------
    UsageError
        If there is no such model.
    """
    if name not in EMBEDDED:
        raise UsageError(f"model {name!r} is unknown: {did_you_mean(name, EMBEDDED)}")
    return EMBEDDED[name]


def builtin_card(name: str) -> dict[str, Any]:
    """The card of an embedded model: data, recipe, command, measurements, licence.

    Raises
    ------
    UsageError
        If there is no such model.
    """
    embedded(name)
    card: dict[str, Any] = json.loads((FOLDER / f"{name.removeprefix('builtin/')}.json").read_text(encoding="utf-8"))
    return card


def load_builtin(name: str, *, device: str | torch.device = "auto", batch_size: int | None = None) -> Model:
    """An embedded model, in float32.

    Raises
    ------
    UsageError
        If there is no such model.
    """
    card = builtin_card(name)
    made = embedded(name)
    net = made.network(len(card["classes"]))
    weights = load_file(FOLDER / f"{name.removeprefix('builtin/')}.safetensors")
    net.load_state_dict({key: value.float() for key, value in weights.items()})
    return TorchModel(net.eval(), spec=made.spec, name=name, classes=card["classes"], device=device, batch_size=batch_size)
