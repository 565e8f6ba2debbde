"""``torchvision/resnet50``: torchvision's classifiers with their best published weights."""

from __future__ import annotations

import torch

from robustkit.errors import UsageError, did_you_mean, first_line
from robustkit.models.network import Network
from robustkit.spec import InputSpec


def load_torchvision(name: str) -> Network:
    """A torchvision classifier with size, mean and std of its weights' transforms.

    The weights come from torch's cache, or are downloaded once.

    Raises
    ------
    UsageError
        If there is no such model, or its weights are not available.
    """
    from torchvision import models

    known = models.list_models(module=models)
    if name not in known:
        raise UsageError(f"model 'torchvision/{name}' is unknown: {did_you_mean(name, known)}")
    weights = models.get_model_weights(name).DEFAULT
    preset = weights.transforms()
    (size,) = preset.crop_size
    (resize,) = preset.resize_size
    spec = InputSpec(channels=3, size=(size, size), resize=resize, interpolation=preset.interpolation.value)
    try:
        # `get_model` unpickles the file without restrictions, so read it first without running code.
        weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
        net = models.get_model(name, weights=weights, progress=False)
    except Exception as error:
        raise UsageError(
            f"the weights of 'torchvision/{name}' are not available ({first_line(error)}): download {weights.url} "
            f"into {torch.hub.get_dir()}/checkpoints"
        ) from error
    return Network(net, spec, preset.mean, preset.std, weights.meta["categories"])
