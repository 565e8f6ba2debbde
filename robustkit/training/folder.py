"""The folder of a training run is itself a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_model as load_weights

from robustkit.errors import UsageError
from robustkit.model import Model
from robustkit.training.card import model_settings, parse_card
from robustkit.training.topology import build_network


def read_card(folder: Path) -> dict[str, Any]:
    """The card of a finished run.

    Raises
    ------
    UsageError
        If the folder holds none, or it cannot be read.
    """
    path = folder / "card.json"
    if not path.exists():
        unfinished = (folder / "config.json").exists()
        hint = "its training is not finished: repeat its command" if unfinished else "it is not the folder of a training run"
        raise UsageError(f"{folder} holds no card.json: {hint}")
    try:
        return parse_card(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} is damaged ({error}): train again into a new folder") from None


def load_run_model(path: str | Path, device: str | torch.device = "auto", batch_size: int | None = None) -> Model:
    """The model that a run of train, finetune or harden has made.

    Raises
    ------
    UsageError
        If the folder is not that of a finished run, or its weights do not fit its network.
    """
    folder = Path(path)
    card = read_card(folder)
    written = card["model"]
    if written["architecture"] is None:
        raise UsageError(
            f"{folder} was trained from a network object, so its card cannot say how to build it: train with architecture="
            "'python:package.module:factory', or load its model.safetensors as file: with --arch"
        )
    net = build_network(written["architecture"], written["num_classes"])
    try:
        load_weights(net, folder / "model.safetensors")
    except Exception as error:
        raise UsageError(f"the weights in {folder} cannot be loaded into {written['architecture']}: {error}") from error
    return Model(net, **model_settings(card), name=str(path), device=device, batch_size=batch_size)
