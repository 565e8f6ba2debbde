"""The embedded models, each with half-precision weights and a card; no download."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from robustkit.contracts.model import Model
from robustkit.errors import UsageError, did_you_mean
from robustkit.models.networks import fashion_cnn
from robustkit.spec import InputSpec
from robustkit.torch_model import TorchModel

FOLDER = Path(__file__).parent / "builtin"


def builtin_names() -> tuple[str, ...]:
    """The names of the embedded models."""
    return ("builtin/fashion-robust", "builtin/fashion-standard")


def builtin_card(name: str) -> dict[str, Any]:
    """The card of an embedded model: data, recipe, command, measurements, licence.

    Raises
    ------
    UsageError
        If there is no such model.
    """
    if name not in builtin_names():
        raise UsageError(f"model {name!r} is unknown: {did_you_mean(name, builtin_names())}")
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
    net = fashion_cnn()
    weights = load_file(FOLDER / f"{name.removeprefix('builtin/')}.safetensors")
    net.load_state_dict({key: value.float() for key, value in weights.items()})
    spec = InputSpec(channels=1, size=(28, 28))
    return TorchModel(net.eval(), spec=spec, name=name, classes=card["classes"], device=device, batch_size=batch_size)
