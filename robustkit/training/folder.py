"""Loading of a model from the folder of a training run."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_model as load_weights

from robustkit.contracts.model import Model
from robustkit.errors import UnsafeFileError, UsageError
from robustkit.models.entries import shown
from robustkit.models.weights import read_weights
from robustkit.torch_model import TorchModel
from robustkit.training.card import model_settings, parse_card
from robustkit.training.topology import build_network

#: Maximum number of bytes of a card, far more than needed.
_MOST = 2**24


def read_card(folder: Path) -> dict[str, Any]:
    """The card of a finished run.

    Raises
    ------
    UsageError
        If the folder has none, or it cannot be read.
    """
    path = folder / "card.json"
    if not path.exists():
        unfinished = (folder / "config.json").exists()
        hint = "its training is not finished: repeat its command" if unfinished else "it is not the folder of a training run"
        raise UsageError(f"{folder} has no card.json: {hint}")
    try:
        with open(path, "rb") as file:
            content = file.read(_MOST + 1)
        if len(content) > _MOST:
            raise ValueError(f"it is larger than {_MOST >> 20} MiB")
        return parse_card(content)
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} is damaged ({error}): train again into a new folder") from None


def load_run_model(
    path: str | Path,
    device: str | torch.device = "auto",
    batch_size: int | None = None,
    *,
    arch: str | None = None,
    allow_remote_code: bool = False,
) -> Model:
    """The model of a finished run of train, finetune or harden.

    Parameters
    ----------
    path
        The run's folder.
    device, batch_size
        As for `Model`.
    arch
        The ``package.module:factory`` of the network, instead of the one in the card.
    allow_remote_code
        Import code that the card names, and download a network that it names from the hub.

    Raises
    ------
    UsageError
        If the folder does not contain a finished run, or its weights do not fit its network.
    UnsafeFileError
        If the card names code and neither `arch` nor `allow_remote_code` is given, or a network of the hub that is not in the
        local cache and `allow_remote_code` is not given.
    """
    folder = Path(path)
    card = read_card(folder)
    written = card["model"]
    weights = folder / "model.safetensors"
    numbers = sum(value.numel() for value in read_weights(weights, 0).values())
    if written["num_classes"] > numbers:
        raise UsageError(
            f"the card in {folder} has {written['num_classes']} classes, but its weights only {numbers} numbers: it is damaged"
        )
    architecture = f"python:{arch}" if arch is not None else written["architecture"]
    if architecture is None:
        raise UsageError(
            f"{folder} was trained from a network object, so its card does not name an architecture: give --arch "
            "package.module:factory, or train with architecture='python:package.module:factory'"
        )
    if architecture.startswith("python:") and arch is None and not allow_remote_code:
        where = shown(architecture.removeprefix("python:"))
        raise UnsafeFileError(
            f"{folder} was refused, because its card names code that builds the network ({where}): if you trust it, "
            f"use --arch {shlex.quote(where)} (or --allow-remote-code)"
        )
    net = build_network(architecture, written["num_classes"], local=not allow_remote_code)
    try:
        load_weights(net, weights)
    except Exception as error:
        raise UsageError(
            f"the weights in {folder} do not fit {shown(architecture)}: {' '.join(str(error).split())[:400]}"
        ) from error
    return TorchModel(net, **model_settings(card), name=str(path), device=device, batch_size=batch_size)
