"""``torchvision/resnet50``: torchvision's classifiers with their best published weights."""

from __future__ import annotations

import torch

from robustkit.errors import UsageError, did_you_mean, first_line
from robustkit.models.network import Network
from robustkit.spec import InputSpec


def load_torchvision(name: str) -> Network:
    """A classifier of torchvision; the size, mean and std are those of its weights' own transforms.

    The weights come from torch's cache, else they are downloaded once.

    Raises
    ------
    UsageError
        If there is no such model, or its weights cannot be had.
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
        # The builder below would unpickle the file without limits: read it once without letting it run code.
        weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
        net = models.get_model(name, weights=weights, progress=False)
    except Exception as error:
        raise UsageError(
            f"the weights of 'torchvision/{name}' cannot be had ({first_line(error)}): download {weights.url} "
            f"into {torch.hub.get_dir()}/checkpoints"
        ) from error
    return Network(net, spec, preset.mean, preset.std, weights.meta["categories"])
