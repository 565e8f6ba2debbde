"""Models by name: ``builtin/…``, ``torchvision/…``, ``timm/…``, ``hf/…``, ``file:…``, ``python:…``, a training run's folder."""

from __future__ import annotations

from pathlib import Path

import torch

from robustkit.errors import UsageError, did_you_mean
from robustkit.model import Model, resolve_device
from robustkit.models.network import Network, plain_network

SOURCES = {
    "builtin/": ("builtin/fashion-robust", "small networks shipped with robustkit"),
    "torchvision/": ("torchvision/resnet50", "torchvision's classifiers with their best published weights"),
    "timm/": ("timm/resnet18.a1_in1k", "timm's classifiers"),
    "hf/": ("hf/owner/name", "image classifiers of the Hugging Face hub (safetensors)"),
    "file:": ("file:weights.safetensors", "weights for --arch package.module:factory; .pth and .pt hold weights alone"),
    "python:": ("python:package.module:factory", "a function that returns a torch module or a robustkit Model"),
    "": ("runs/NAME", "the folder of a training run"),
}


def load_model(
    name: str,
    *,
    arch: str | None = None,
    device: str | torch.device = "auto",
    batch_size: int | None = None,
    allow_remote_code: bool = False,
) -> Model:
    """A model by name, with the preprocessing that its source publishes inside it.

    Parameters
    ----------
    name
        ``builtin/NAME``, ``torchvision/NAME``, ``timm/NAME``, ``hf/owner/name``, ``file:WEIGHTS``,
        ``python:package.module:factory``, or the folder of a training run.
    arch
        For ``file:``, the ``package.module:factory`` that builds the network for the weights.
    device
        ``auto``, ``cpu``, ``cuda`` or a torch device.
    batch_size
        The most images in one pass; None chooses.
    allow_remote_code
        Let a Hugging Face model run the Python code that comes with it.

    Raises
    ------
    UsageError
        If there is no such model, or it cannot be loaded.
    UnsafeFileError
        If a file of weights would run code when read.
    """
    prefix = next((prefix for prefix in SOURCES if prefix and name.startswith(prefix)), "")
    rest = name.removeprefix(prefix)
    if arch is not None and prefix != "file:":
        raise UsageError(f"--arch goes with file:WEIGHTS, not with model {name!r}")
    match prefix:
        case "builtin/":
            from robustkit.models.builtin_models import load_builtin

            return load_builtin(name, device=device, batch_size=batch_size)
        case "torchvision/":
            from robustkit.models.torchvision_models import load_torchvision

            return _model(load_torchvision(rest), name, device, batch_size)
        case "timm/":
            from robustkit.models.timm_models import load_timm

            return _model(load_timm(rest), name, device, batch_size)
        case "hf/":
            from robustkit.models.hf_models import load_hf

            return _model(load_hf(rest, allow_remote_code=allow_remote_code), name, device, batch_size)
        case "file:":
            from robustkit.models.file_models import load_into
            from robustkit.models.python_models import call_factory

            if arch is None:
                raise UsageError(
                    f"model {name!r} holds weights alone: say what builds its network, --arch package.module:factory"
                )
            made = call_factory(arch)
            load_into(made.net if isinstance(made, Model) else made, rest)
            return _adopted(made, name, device, batch_size)
        case "python:":
            from robustkit.models.python_models import call_factory

            return _adopted(call_factory(rest), name, device, batch_size)
    return _load_run(name, device, batch_size)


def _model(network: Network, name: str, device: str | torch.device, batch_size: int | None) -> Model:
    return Model(
        network.net,
        mean=network.mean,
        std=network.std,
        spec=network.spec,
        name=name,
        classes=network.classes,
        device=device,
        batch_size=batch_size,
    )


def _adopted(made: torch.nn.Module | Model, name: str, device: str | torch.device, batch_size: int | None) -> Model:
    """A user's own network or model, on the device that was asked for."""
    if not isinstance(made, Model):
        return _model(plain_network(made), name, device, batch_size)
    made.device = resolve_device(device)
    made.net.to(made.device)
    if batch_size is not None:
        made.batch_size = batch_size
    return made


def _load_run(name: str, device: str | torch.device, batch_size: int | None) -> Model:
    path = Path(name).expanduser()
    if (path / "card.json").is_file():
        from robustkit.training.folder import load_run_model

        return load_run_model(path, device=device, batch_size=batch_size)
    if path.is_dir():
        raise UsageError(f"model folder {name!r} has no card.json: give the folder of a training run, such as runs/signs")
    if path.is_file():
        raise UsageError(f"model {name!r} is a file: write file:{name} and --arch package.module:factory")
    hint = did_you_mean(name.split(":")[0].split("/")[0], [prefix[:-1] for prefix in SOURCES if prefix])
    raise UsageError(
        f"model {name!r} is unknown: {hint} Write it as one of {', '.join(example for example, _ in SOURCES.values())}."
    )
