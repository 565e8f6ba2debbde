"""Models by name: ``builtin/…``, ``torchvision/…``, ``timm/…``, ``hf/…``, ``file:…``, ``onnx:…``, a training run's folder …"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import torch

from robustkit.contracts.model import Model
from robustkit.errors import AttackError, UsageError, did_you_mean
from robustkit.models.entries import shown
from robustkit.models.network import Network, check_finite, note, plain_network
from robustkit.models.overrides import Overrides
from robustkit.torch_model import TorchModel, network_of

SOURCES = {
    "builtin/": ("builtin/fashion-robust", "small networks shipped with robustkit"),
    "torchvision/": ("torchvision/resnet50", "torchvision's classifiers with their best published weights"),
    "timm/": ("timm/resnet18.a1_in1k", "timm's classifiers"),
    "hf/": ("hf/owner/name", "image classifiers of the Hugging Face hub (safetensors)"),
    "file:": ("file:weights.safetensors", "weights for --arch package.module:factory; also .pth and .pt with weights only"),
    "python:": ("python:package.module:factory", "a torch module or robustkit Model, or a function or class that returns one"),
    "onnx:": ("onnx:model.onnx", "a network run by onnxruntime on the CPU: scores only, no gradients"),
    "script:": ("script:model.pt", "a TorchScript program"),
    "": ("runs/NAME", "the folder of a training run"),
}


def load_model(
    name: str,
    *,
    arch: str | None = None,
    device: str | torch.device = "auto",
    batch_size: int | None = None,
    allow_remote_code: bool = False,
    weights_key: str | None = None,
    mean: str | float | Sequence[float] | None = None,
    std: str | float | Sequence[float] | None = None,
    size: str | int | Sequence[int] | None = None,
    channels: int | None = None,
    bounds: str | Sequence[float] | None = None,
    classes: str | Path | Sequence[str] | None = None,
) -> Model:
    """A model by name, including the preprocessing that its source publishes.

    Parameters
    ----------
    name
        ``builtin/NAME``, ``torchvision/NAME``, ``timm/NAME``, ``hf/owner/name``, ``file:WEIGHTS``,
        ``python:package.module:factory``, ``onnx:FILE``, ``script:FILE``, or the folder of a training run.
    arch
        The factory of the network: ``package.module:factory``, with arguments as in ``factory(num_classes=10)``. For ``file:``,
        and for the folder of a training run whose card names code.
    device
        ``auto``, ``cpu``, ``cuda`` or a torch device.
    batch_size
        Maximum number of images per pass; None chooses.
    allow_remote_code
        Run the Python code that comes with a Hugging Face model or that a training run's card names, and download a network that
        a card names, which otherwise must be in the local cache.
    weights_key
        For ``file:``, the entry of the file with the weights, such as ``state_dict_ema``; ``.`` is the top level.
    mean, std, size, channels, bounds, classes
        For ``file:``, ``python:``, ``onnx:`` and ``script:``, properties that override those of the source: one value per
        channel (or one for all), in the unit of `bounds`; the side in pixels or ``(height, width)``; 1 or 3; minimum and
        maximum pixel value of the network's input (images stay in [0, 1]); names in the order of the outputs, or a text
        file with one name per line. Texts have the form of the command line: ``"0.485,0.456,0.406"``, ``"224x160"``.

    Raises
    ------
    UsageError
        If there is no such model, or it cannot be loaded.
    UnsafeFileError
        If a file would run code when read.
    """
    _check_name(name)
    said = Overrides.parse(mean=mean, std=std, size=size, channels=channels, bounds=bounds, classes=classes)
    model = _load(name, said, arch, device, batch_size, allow_remote_code, weights_key)
    if isinstance(model.net, torch.nn.Module):
        check_finite(model.net, name)
    if said.classes is not None:
        _check_names(model, said.classes)
    return model


def _load(
    name: str,
    said: Overrides,
    arch: str | None,
    device: str | torch.device,
    batch_size: int | None,
    allow_remote_code: bool,
    weights_key: str | None,
) -> Model:
    prefix = next((prefix for prefix in SOURCES if prefix and name.startswith(prefix)), "")
    rest = name.removeprefix(prefix)
    if said.given and prefix not in ("file:", "python:", "onnx:", "script:"):
        raise UsageError(
            f"{' and '.join(said.given)} apply to file:, python:, onnx: and script: models; {shown(name)} defines this itself"
        )
    if arch is not None and prefix not in ("file:", ""):
        raise UsageError(f"--arch applies to file:WEIGHTS and training runs, not to model {shown(name)!r}")
    if weights_key is not None and prefix != "file:":
        raise UsageError(f"--weights-key applies to file:WEIGHTS, not to model {shown(name)!r}")
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

            if rest.lower().endswith(".onnx"):
                raise UsageError(f"model {shown(name)!r} is an ONNX file: write {_as_file(rest)}")
            if arch is None:
                raise UsageError(
                    f"model {shown(name)!r} contains only weights: give its architecture with --arch package.module:factory "
                    f"(for a TorchScript program use script:{shown(rest)})"
                )
            path = local_path(rest)
            made = call_factory(arch)
            load_into(network_of(made, "file:") if isinstance(made, Model) else made, path, weights_key)
            return _adopted(made, name, device, batch_size, said)
        case "python:":
            from robustkit.models.python_models import call_factory

            return _adopted(call_factory(rest), name, device, batch_size, said)
        case "onnx:":
            from robustkit.models.onnx_models import load_onnx

            return _model(said.over(load_onnx(local_path(rest))), name, device, batch_size)
        case "script:":
            from robustkit.models.script_models import gives_gradients, load_script

            model = _model(said.over(load_script(local_path(rest))), name, device, batch_size)
            if not gives_gradients(model):
                note(f"{shown(name)} gives no gradients: only attacks without gradients can run on it")
                model.knowledge = "score"
            return model
    return _load_run(name, arch, device, batch_size, allow_remote_code)


def _check_names(model: Model, names: tuple[str, ...]) -> None:
    """Raise `UsageError` if the network's number of outputs for a blank image differs; print a note on duplicate names."""
    unnamed = copy.copy(model)
    unnamed.classes = None
    found = len(names)
    with suppress(UsageError, AttackError):  # such as a network with a fixed image size that is not known
        found = unnamed.num_classes()
    if found != len(names):
        raise UsageError(
            f"--classes names {len(names)} classes, but the network of {shown(model.name)} has {found} outputs: name each of them"
        )
    twice = next((each for each, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        note(
            f"--classes names {shown(twice)!r} twice: data whose class is {shown(twice)!r} will be refused, since it could be either"
        )


def _check_name(name: str) -> None:
    """Raise `UsageError` for a name that no file system or registry can contain."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError(f"model name {shown(name)} is not UTF-8: rename it") from None
    if "\0" in name or len(name) > 4096:
        raise UsageError(
            f"model name {shown(name)} {'contains NUL' if chr(0) in name else 'is too long'}: give an existing one"
        )


def _model(network: Network, name: str, device: str | torch.device, batch_size: int | None) -> Model:
    return network.kind(
        network.net,
        bounds=network.bounds,
        mean=network.mean,
        std=network.std,
        spec=network.spec,
        name=name,
        classes=network.classes,
        device=device,
        batch_size=batch_size,
        knowledge=network.knowledge,
    )


def _adopted(
    made: torch.nn.Module | Model, name: str, device: str | torch.device, batch_size: int | None, said: Overrides
) -> Model:
    """A model for a user's network or model, with the user's overrides, on the requested device."""
    if not isinstance(made, Model):
        return _model(said.over(_network(made, name, said)), name, device, batch_size)
    if said.given and type(made) is not TorchModel:
        raise UsageError(f"{' and '.join(said.given)} cannot change {shown(name)}, a {type(made).__name__}: change its factory")
    if said.given:
        network = said.over(Network(made.net, made.spec, made.mean, made.std, made.classes, made.bounds))
        made = copy.copy(made)
        made.mean, made.std = (None if values is None else tuple(values) for values in (network.mean, network.std))
        made.classes = None if network.classes is None else tuple(network.classes)
        made.spec, made.bounds = replace(network.spec, bounds=network.bounds), network.bounds
    made.to_device(device)
    if batch_size is not None:
        made.batch_size = batch_size
    return made


def _network(net: torch.nn.Module, name: str, said: Overrides) -> Network:
    """A bare network with its known properties: for a timm network those of its configuration."""
    if not type(net).__module__.startswith("timm."):
        return plain_network(net)
    from robustkit.models.timm_models import timm_network

    known = timm_network(net)
    if (
        known is not None
        and (said.mean is None or said.size is None)
        and known.mean is not None
        and known.spec.size is not None
    ):
        height, width = known.spec.size
        mean, std = (",".join(f"{value:g}" for value in values or ()) for values in (known.mean, known.std))
        taken = {"--mean": mean, "--std": std} if said.mean is None else {}
        taken |= {"--size": f"{height}x{width}"} if said.size is None else {}
        note(
            f"{shown(name)} is a timm network: using {', '.join(f'{k} {v}' for k, v in taken.items())} from its configuration; "
            "give these options to override it"
        )
    return known or plain_network(net)


def _load_run(
    name: str, arch: str | None, device: str | torch.device, batch_size: int | None, allow_remote_code: bool
) -> Model:
    path = local_path(name)
    try:
        is_run, is_folder, is_file = (path / "card.json").is_file(), path.is_dir(), path.is_file()
    except OSError as error:
        raise UsageError(f"model {shown(name)!r} cannot be accessed: {error.strerror}") from None
    if is_run:
        from robustkit.training.folder import load_run_model

        return load_run_model(path, device, batch_size, arch=arch, allow_remote_code=allow_remote_code)
    if is_folder:
        raise UsageError(
            f"model folder {shown(name)!r} has no card.json: give the folder of a training run, such as runs/signs"
        )
    if is_file:
        raise UsageError(f"model {shown(name)!r} is a file: write {_as_file(name)}")
    hint = did_you_mean(name[:80].split(":")[0].split("/")[0], [prefix[:-1] for prefix in SOURCES if prefix])
    raise UsageError(
        f"model {shown(name)!r} is unknown: {hint} Write it as one of {', '.join(example for example, _ in SOURCES.values())}."
    )


def _as_file(name: str) -> str:
    """The name to use for a model file, for messages."""
    if name.lower().endswith(".onnx"):
        return f"onnx:{shown(name)}"
    return f"file:{shown(name)} and --arch package.module:factory, or script:{shown(name)} if it is a TorchScript program"


def local_path(text: str) -> Path:
    """The path of a text, with ``~`` expanded to the home folder.

    Raises
    ------
    UsageError
        If there is no such home folder.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise UsageError(f"path {shown(text)!r} starts with the home folder of an unknown user: write the full path") from None
