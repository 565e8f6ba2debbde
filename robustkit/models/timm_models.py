"""``timm/resnet18.a1_in1k``: timm's classifiers with pretrained weights."""

from __future__ import annotations

import importlib
from typing import Any

from torch import nn

from robustkit.errors import UsageError, did_you_mean, first_line
from robustkit.models.network import Network, plain_network
from robustkit.spec import InputSpec


def load_timm(name: str) -> Network:
    """A timm classifier with size, crop, mean and std of its pretrained configuration.

    The weights come from the hub's cache, or are downloaded once.

    Raises
    ------
    UsageError
        If there is no such model, or its weights are not available.
    """
    timm: Any = importlib.import_module("timm")  # only partly typed
    known = timm.list_pretrained()
    if name not in known and not (name in timm.list_models() and timm.models.is_model_pretrained(name)):
        raise UsageError(f"model 'timm/{name}' is unknown, or has no weights: {did_you_mean(name, known)}")
    try:
        net = timm.create_model(name, pretrained=True)
    except Exception as error:
        raise UsageError(
            f"the weights of 'timm/{name}' are not available ({first_line(error)}): run "
            f"timm.create_model({name!r}, pretrained=True) once with network access, or copy its hub cache (HF_HOME) here"
        ) from error
    if not isinstance(net, nn.Module) or not getattr(net, "num_classes", 0):
        raise UsageError(f"model 'timm/{name}' has no classifier: choose one with classes, such as timm/resnet18.a1_in1k")
    return _described(net)


def timm_network(net: nn.Module) -> Network | None:
    """A user's network with the properties of its timm configuration; None if it is not a timm network.

    Also None if the configuration is for images with another number of channels.
    """
    if not type(net).__module__.startswith("timm.") or not getattr(net, "pretrained_cfg", None):
        return None
    network = _described(net)
    return network if network.spec.channels == plain_network(net).spec.channels else None


def _described(net: nn.Module) -> Network:
    config = importlib.import_module("timm.data").resolve_model_data_config(net)
    return Network(net, timm_spec(config), config["mean"], config["std"], _imagenet_classes(net))


def timm_spec(config: dict[str, Any]) -> InputSpec:
    """The input of a network, from timm's data configuration."""
    channels, height, width = config["input_size"]
    # `squash` resizes directly to the size; the other modes resize the shorter side first.
    resize = None if config["crop_mode"] == "squash" else int(min(height, width) / config["crop_pct"])
    interpolation = config["interpolation"] if config["interpolation"] in ("bicubic", "nearest") else "bilinear"
    return InputSpec(channels=channels, size=(height, width), resize=resize, interpolation=interpolation)


def _imagenet_classes(net: nn.Module) -> list[str] | None:
    """The class names if the configuration states an ImageNet subset, else None."""
    data: Any = importlib.import_module("timm.data")
    subset = data.infer_imagenet_subset(net)
    if subset is None:
        return None
    info = data.ImageNetInfo(subset)
    if info.num_classes() != net.num_classes:
        return None
    return [info.index_to_description(index) for index in range(info.num_classes())]
