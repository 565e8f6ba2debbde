"""Networks by name without pretrained weights, for training from scratch and for loading a run's weights."""

from __future__ import annotations

import torch
from torch import nn

from robustkit.contracts.model import Model
from robustkit.errors import UsageError, did_you_mean
from robustkit.global_state import own_random_state
from robustkit.models.builtin_models import embedded
from robustkit.models.network import Network, plain_network
from robustkit.models.overrides import Overrides
from robustkit.models.python_models import call_factory
from robustkit.spec import InputSpec
from robustkit.torch_model import TorchModel, network_of
from robustkit.training.head import find_head, replace_head

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def build_network(name: str, num_classes: int, *, seed: int = 0, local: bool = False) -> nn.Module:
    """A network with new weights; the global random state is not changed.

    Parameters
    ----------
    name
        ``builtin/fashion-robust``, ``torchvision/resnet18``, ``timm/resnet18``, or ``python:package.module:factory``, whose
        factory may return pretrained weights.
    num_classes
        Number of outputs; a classifier with another number is replaced.
    seed
        Seed of the weights.
    local
        Do not download the network from a hub.

    Raises
    ------
    UsageError
        If there is no such network.
    UnsafeFileError
        If it would run code, or `local` is set and it is not available locally.
    """
    with own_random_state(torch.device("cpu"), seed):
        net = _build(name, num_classes, local)
    if name.startswith("python:") and _outputs(net) not in (None, num_classes):
        replace_head(net, num_classes, seed)
    return net


def _build(name: str, num_classes: int, local: bool) -> nn.Module:
    source, _, rest = name.partition(":" if name.startswith("python:") else "/")
    match source:
        case "builtin":
            return embedded(name).network(num_classes)
        case "torchvision":
            import torchvision

            if rest not in torchvision.models.list_models(module=torchvision.models):
                raise UsageError(
                    f"torchvision has no classifier {rest!r}: {did_you_mean(rest, torchvision.models.list_models())}"
                )
            built: nn.Module = torchvision.models.get_model(rest, weights=None, num_classes=num_classes)
            return built
        case "timm":
            import timm

            if not timm.is_model(rest):
                raise UsageError(f"timm has no model {rest!r}: {did_you_mean(rest, timm.list_models())}")
            created: nn.Module = timm.create_model(rest, pretrained=False, num_classes=num_classes)
            return created
        case "hf":
            from robustkit.models.hf_models import fresh_hf

            return fresh_hf(rest, num_classes, local=local)
        case "python":
            made = call_factory(rest)
            return network_of(made, "training") if isinstance(made, Model) else made
        case _:
            raise UsageError(
                f"{name!r} cannot be built without its weights: train a builtin/, torchvision/, timm/, hf/ or python: network"
            )


def _outputs(net: nn.Module) -> int | None:
    """The number of outputs of the classifier; None if there is no linear layer."""
    try:
        head = net.get_submodule(find_head(net))
    except UsageError:
        return None
    return head.out_features if isinstance(head, nn.Linear) else None


def fresh_model(
    name: str,
    num_classes: int,
    size: tuple[int, int],
    *,
    seed: int,
    device: str | torch.device,
    said: Overrides | None = None,
) -> Model:
    """A network with new weights as a `Model`, for images of `size` unless overridden.

    By default, images of colour networks are normalised with ImageNet's mean and std, grey ones are not normalised.
    """
    said = said or Overrides()
    made = call_factory(name.removeprefix("python:")) if name.startswith("python:") else None
    net = build_network(name, num_classes, seed=seed)
    if isinstance(made, Model):
        network = Network(net, made.spec, made.mean, made.std, bounds=made.bounds)
    elif name.startswith("builtin/"):
        network = Network(net, embedded(name).spec)
    else:
        channels = said.channels or plain_network(net).spec.channels
        mean, std = (IMAGENET_MEAN, IMAGENET_STD) if channels == 3 else (None, None)
        network = Network(net, InputSpec(channels=channels, size=size), mean, std)
    network = said.over(network)
    return TorchModel(
        net, bounds=network.bounds, mean=network.mean, std=network.std, spec=network.spec, name=name, device=device
    )
