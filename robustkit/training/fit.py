"""Train, finetune and harden, which use the same loop. Each returns a folder that can be loaded as a model."""

from __future__ import annotations

import copy
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from lightning_fabric import Fabric
from safetensors.torch import save_model

from robustkit.build import attack, recipe
from robustkit.contracts.attack import check_threat
from robustkit.contracts.model import Model
from robustkit.data.base import Data
from robustkit.data.load import as_data, load_data
from robustkit.device import resolve_device
from robustkit.errors import UsageError
from robustkit.files import atomic, make_folder, refuse_links, write_text
from robustkit.models.overrides import Overrides
from robustkit.printable import one_line
from robustkit.spec import InputSpec
from robustkit.threats import Threat
from robustkit.torch_model import network_of
from robustkit.training.card import describe_model, versions, write_card
from robustkit.training.folder import read_card
from robustkit.training.head import freeze, replace_head
from robustkit.training.loop import Job, run
from robustkit.training.options import TrainingOptions
from robustkit.training.topology import fresh_model
from robustkit.training.validate import ATTACK

Flow = Literal["train", "finetune", "harden"]
LICENCE = "The weights derive from the data and from the network that training started from: their licences apply."


@dataclass(frozen=True, kw_only=True)
class _Start:
    """The input of training: the model, how to build it again, and images with the model's labels."""

    model: Model
    architecture: str | None
    num_classes: int
    train: Data
    val: Data
    loading: dict[str, Any]


def train(
    model: str,
    data: Any,
    *,
    out: str | Path,
    val: Any = None,
    recipe: str = "standard",
    threat: Threat | str | None = None,
    loading: dict[str, Any] | None = None,
    limit: int | None = None,
    reading: dict[str, Any] | None = None,
    device: str = "auto",
    devices: int = 1,
    workers: int = 0,
    command: str | None = None,
    **options: Any,
) -> Path:
    """Train a network from scratch.

    Parameters
    ----------
    model
        The network's name, such as ``torchvision/resnet18``; only its architecture is used, not its weights.
    data
        A data name (by default its training split, if it has splits), a pair of tensors, a Dataset or DataLoader.
    out
        The run's folder. Repeating the same call resumes; a different call with the same folder is refused.
    val
        As `data`; None holds out a stratified tenth of it.
    recipe
        A training recipe by name, such as ``fast`` or ``pgd:steps=3``.
    threat
        The threat model of an adversarial recipe and of validation.
    loading
        Properties of the network's images: `mean`, `std`, `size`, `channels` and `bounds`, as in `load_model`. The default
        size is that of the data if its images share one, else 224 x 224.
    limit
        Maximum number of training images, stratified.
    reading
        Keyword arguments of `load_data`, such as ``class_order``, for data given by name.
    device, devices
        The device, and the number of devices.
    workers
        Number of processes that read images.
    command
        The command to state in the card.
    **options
        Fields of `TrainingOptions`.

    Returns
    -------
    The folder, which `load_model` accepts as a name.

    Raises
    ------
    UsageError
        If an argument is invalid, before training starts.
    DivergedError
        If the loss becomes NaN or infinite.
    """
    settings = _options(options)
    training, validation = _split(data, val, limit, settings.seed, reading)
    classes = training.classes or tuple(str(label) for label in range(int(training.labels.max()) + 1))
    said = Overrides.parse(**(loading or {}))
    built = fresh_model(
        model,
        len(classes),
        said.size or _size(training),
        seed=settings.seed,
        device=resolve_device(device),
        said=said,
    )
    built.classes = tuple(classes)
    start = _Start(
        model=built,
        architecture=model,
        num_classes=len(classes),
        train=training,
        val=validation.matched(built),
        loading=_given(loading),
    )
    return _fit("train", start, model, out, recipe, threat, (), settings, devices, workers, command)


def finetune(
    model: Model | str,
    data: Any,
    *,
    out: str | Path,
    val: Any = None,
    recipe: str = "standard",
    threat: Threat | str | None = None,
    freeze: tuple[str, ...] = (),
    arch: str | None = None,
    loading: dict[str, Any] | None = None,
    limit: int | None = None,
    reading: dict[str, Any] | None = None,
    device: str = "auto",
    devices: int = 1,
    workers: int = 0,
    command: str | None = None,
    **options: Any,
) -> Path:
    """Train a pretrained network with a new classifier head for the data's classes; other arguments as in `train`.

    Parameters
    ----------
    model
        A model name, or a `Model`, of which a copy is trained.
    freeze
        Parts to freeze: ``backbone`` for all but the classifier, or names of modules.
    arch
        The factory (``package.module:factory``) of a model whose name does not define its architecture.
    loading
        Further keyword arguments of `load_model`, for a model given by name.
    """
    settings = _options(options)
    training, validation = _split(data, val, limit, settings.seed, reading)
    classes = training.classes or tuple(str(label) for label in range(int(training.labels.max()) + 1))
    copied, architecture = _copy(model, arch, device, loading)
    replace_head(copied.net, len(classes), settings.seed)
    copied.classes = tuple(classes)
    start = _Start(
        model=copied,
        architecture=architecture,
        num_classes=len(classes),
        train=training,
        val=validation.matched(copied),
        loading=_given(loading),
    )
    return _fit("finetune", start, _name(model), out, recipe, threat, freeze, settings, devices, workers, command)


def harden(
    model: Model | str,
    data: Any,
    *,
    out: str | Path,
    threat: Threat | str,
    val: Any = None,
    recipe: str = "fast",
    arch: str | None = None,
    loading: dict[str, Any] | None = None,
    limit: int | None = None,
    reading: dict[str, Any] | None = None,
    device: str = "auto",
    devices: int = 1,
    workers: int = 0,
    command: str | None = None,
    **options: Any,
) -> Path:
    """Train a network on adversarial images, starting from its weights; arguments as in `finetune`."""
    settings = _options(options)
    training, validation = _split(data, val, limit, settings.seed, reading)
    copied, architecture = _copy(model, arch, device, loading)
    matched = training.matched(copied)
    num_classes = copied(next(matched.batches(copied.spec, 1)).x.to(copied.device)).shape[1]
    start = _Start(
        model=copied,
        architecture=architecture,
        num_classes=num_classes,
        train=matched,
        val=validation.matched(copied),
        loading=_given(loading),
    )
    return _fit("harden", start, _name(model), out, recipe, threat, (), settings, devices, workers, command)


def _fit(
    flow: Flow,
    start: _Start,
    base: str,
    out: str | Path,
    recipe_spec: str,
    threat: Threat | str | None,
    parts: tuple[str, ...],
    options: TrainingOptions,
    devices: int,
    workers: int,
    command: str | None,
) -> Path:
    folder = Path(out)
    against = Threat.parse(threat) if isinstance(threat, str) else threat
    built = recipe(recipe_spec)
    built.check(against)
    if flow == "harden" and not built.needs_threat:
        raise UsageError(f"recipe {recipe_spec!r} is not adversarial: choose one such as fast or pgd")
    model = start.model
    for note in dict.fromkeys((*start.train.notes, *start.val.notes)):
        print(one_line(note), file=sys.stderr)
    if against is not None:
        check_threat(attack(ATTACK), against)
        sample = next(start.train.batches(model.spec, 1)).x
        model.check_images(sample)
        against.check((sample.shape[1], sample.shape[2], sample.shape[3]), model.bounds)
    if -(-len(start.train) // options.batch_size) < devices:
        raise UsageError(
            f"{len(start.train)} training images in batches of {options.batch_size} are too few for {devices} devices: use "
            "fewer devices or a smaller batch size"
        )
    config = {
        "flow": flow,
        "base": base,
        "data": _describe(start.train),
        "val": _describe(start.val),
        "recipe": recipe_spec,
        "threat": None if against is None else against.id,
        "freeze": list(parts),
        "options": asdict(options) | {"augment": list(options.augment), "lr": options.peak_lr},
        "devices": devices,
    } | ({"loading": start.loading} if start.loading else {})
    if _claim(folder, config):
        print(f"{one_line(folder)} is already finished: nothing to do", file=sys.stderr)
        return folder
    frozen = freeze(model.net, parts) if parts else []
    accelerator = "gpu" if model.device.type == "cuda" else "cpu"
    which: int | list[int] = [model.device.index] if model.device.index is not None else devices
    fabric = Fabric(accelerator=accelerator, devices=which, precision=options.precision)
    fabric.launch()
    job = Job(
        model=model,
        train=start.train,
        val=start.val,
        recipe=built,
        threat=against,
        options=options,
        frozen=frozen,
        num_classes=start.num_classes,
        out=folder,
        workers=workers,
    )
    metrics = run(job, fabric)
    if fabric.is_global_zero:
        with atomic(folder / "model.safetensors") as partial:
            save_model(model.net, str(partial))
        card = {
            "schema": 1,
            "name": folder.name,
            "command": command or f"robustkit.{flow}({base!r}, ...)",
            "model": describe_model(model, start.architecture, start.num_classes),
            "run": config,
            "metrics": metrics,
            "validation_attack": ATTACK,
            "licence": LICENCE,
            "versions": versions(),
        }
        write_card(folder, card)
    return folder


def _options(written: dict[str, Any]) -> TrainingOptions:
    known = TrainingOptions.__dataclass_fields__
    for key in written:
        if key not in known:
            raise UsageError(f"training has no option {key!r}; it has {', '.join(known)}")
    return TrainingOptions(**written)


def _claim(folder: Path, config: dict[str, Any]) -> bool:
    """Whether the run in the folder is finished. Claims a new folder; raises `UsageError` if it belongs to another run."""
    path = folder / "config.json"
    make_folder(folder)
    refuse_links(folder, ("config.json", "card.json", "checkpoints", "tensorboard"))
    if path.exists():
        before = _read_config(path)
        if before != json.loads(json.dumps(config)):
            changed = ", ".join(sorted(key for key in config if before.get(key) != json.loads(json.dumps(config[key]))))
            raise UsageError(f"{folder} contains a run with a different {changed}: give another -o, or delete that folder")
        return (folder / "card.json").exists()
    if any(folder.iterdir()):
        raise UsageError(f"{folder} contains other files than a training run: give an empty or new folder")
    write_text(path, json.dumps(config, indent=2) + "\n")
    return False


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} is damaged ({error}): give another -o, or delete that folder") from None
    if not isinstance(config, dict):
        raise UsageError(f"{path} is damaged (it contains no settings): give another -o, or delete that folder")
    return config


def _split(data: Any, val: Any, limit: int | None, seed: int, reading: dict[str, Any] | None = None) -> tuple[Data, Data]:
    """Training and validation images; validation images are held out if `val` is None."""
    whole = _open(data, reading, training=True)
    if limit is not None:
        whole = whole.limit(limit, seed)
    if val is not None:
        return whole, _open(val, reading, training=False)
    held_out = whole.limit(max(1, len(whole) // 10), seed)
    rest = np.flatnonzero(~np.isin(whole.ids, held_out.ids))
    if not len(rest):
        raise UsageError(f"{whole.name} has {len(whole)} images, too few to hold out some: give more, or give val")
    return whole.subset(rest), held_out


def _open(data: Any, reading: dict[str, Any] | None, *, training: bool) -> Data:
    if not isinstance(data, str):
        return as_data(data)
    has_splits = data.startswith(("torchvision/", "hf/"))
    return load_data(f"{data}:train" if training and has_splits and ":" not in data else data, **(reading or {}))


def _size(data: Data) -> tuple[int, int]:
    """The height and width shared by a sample of the images, else 224 x 224."""
    few = data.subset(np.linspace(0, len(data) - 1, min(16, len(data))).astype(int))
    shapes = {(x.shape[2], x.shape[3]) for x, _, _ in few.batches(InputSpec(), 1)}
    return shapes.pop() if len(shapes) == 1 else (224, 224)


def _copy(model: Model | str, arch: str | None, device: str, loading: dict[str, Any] | None) -> tuple[Model, str | None]:
    """A copy to train, and the name of its architecture."""
    if isinstance(model, str):
        from robustkit.models.load import load_model

        loaded = load_model(model, arch=arch, device=device, **(loading or {}))
        network_of(loaded, "training")
        if arch is not None:
            return loaded, f"python:{arch}"
        folder = Path(model)
        return loaded, read_card(folder)["model"]["architecture"] if folder.is_dir() else model
    if _given(loading):
        raise UsageError(f"loading={loading} applies to a model's name, not to a Model object: change the object")
    copied = model.with_net(copy.deepcopy(network_of(model, "training")))
    return copied, None if arch is None else f"python:{arch}"


def _given(loading: dict[str, Any] | None) -> dict[str, str]:
    """The given loading arguments as text, which identify the run."""
    return {name: str(value) for name, value in (loading or {}).items() if value not in (None, False)}


def _name(model: Model | str) -> str:
    return model if isinstance(model, str) else model.name


def _describe(data: Data) -> dict[str, Any]:
    return {"name": data.name, "n": len(data), "fingerprint": data.fingerprint()}
