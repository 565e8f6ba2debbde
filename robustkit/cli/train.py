"""train, finetune and harden: each leaves a folder that is itself a model name."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from robustkit.cli import results
from robustkit.cli.config import ConfigFile
from robustkit.cli.loading import loads_model
from robustkit.cli.reading import ClassOrder, Exif, FollowLinks

DataName = Annotated[
    str,
    typer.Option(
        "--data", help="Training images: folder:… npz:… csv:… parquet:… webdataset:… torchvision/… hf/… (its training split)"
    ),
]
Val = Annotated[str | None, typer.Option(help="Validation images; without it a stratified tenth of the data is held out")]
Out = Annotated[Path, typer.Option("--out", "-o", help="The run's folder; the same command again resumes")]
Threat = Annotated[str | None, typer.Option(help="linf:8/255, l2:0.5 …: trained against, and attacked with in validation")]
Epochs = Annotated[int, typer.Option(min=1, help="Passes over the training images")]
BatchSize = Annotated[int, typer.Option(min=1, help="Images in a step, on each device")]
Rate = Annotated[float | None, typer.Option("--lr", help="The greatest learning rate [adamw: 0.001, sgd: 0.1]")]
Decay = Annotated[float, typer.Option("--weight-decay", help="Weight decay")]
Optimizer = Annotated[str, typer.Option(help="adamw or sgd")]
Schedule = Annotated[str, typer.Option(help="cosine, cyclic or constant")]
Augment = Annotated[str, typer.Option(help="flip, crop, flip,crop or none")]
Average = Annotated[
    float | None, typer.Option("--ema", help="Keep a moving average of the weights with this decay, such as 0.998")
]
Seed = Annotated[int, typer.Option(help="Decides every random number")]
Precision = Annotated[str, typer.Option(help="32-true, bf16-mixed, bf16-true, 16-mixed or 64-true")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N")]
Devices = Annotated[int, typer.Option(min=1, help="How many devices of that kind")]
Workers = Annotated[int, typer.Option(min=0, help="Processes that read images")]
Limit = Annotated[int | None, typer.Option(min=2, help="The most training images, evenly from the classes")]
RECIPE = "A training recipe, as name:key=value: standard, fast, pgd:steps=7 … (robustkit defenses list)"


@loads_model("arch", "weights_key", "size", "classes", "allow_remote_code")
def train(
    loading: dict[str, Any],
    model: Annotated[str, typer.Argument(help="torchvision/… timm/… builtin/… python:…: its topology with fresh weights")],
    data: DataName,
    out: Out,
    val: Val = None,
    recipe: Annotated[str, typer.Option(help=RECIPE)] = "standard",
    threat: Threat = None,
    epochs: Epochs = 10,
    batch_size: BatchSize = 128,
    lr: Rate = None,
    weight_decay: Decay = 5e-4,
    optimizer: Optimizer = "adamw",
    schedule: Schedule = "cosine",
    augment: Augment = "none",
    ema: Average = None,
    seed: Seed = 0,
    precision: Precision = "32-true",
    size: Annotated[
        str | None,
        typer.Option(help="Size of the images, as 224 or 224x160 (height x width) [theirs if they share one, else 224]"),
    ] = None,
    device: Device = "auto",
    devices: Devices = 1,
    workers: Workers = 0,
    limit: Limit = None,
    class_order: ClassOrder = None,
    follow_links: FollowLinks = False,
    exif: Exif = False,
    config: ConfigFile = None,
) -> None:
    """Train a network from fresh weights. The same command again resumes."""
    from robustkit.training import fit

    options = _options(epochs, batch_size, lr, weight_decay, optimizer, schedule, augment, ema, seed, precision)
    folder = fit.train(
        model,
        data,
        val=val,
        out=out,
        recipe=recipe,
        threat=threat,
        loading={**loading, "size": size},
        limit=limit,
        reading={"class_order": class_order, "follow_links": follow_links, "exif": exif},
        device=device,
        devices=devices,
        workers=workers,
        command=_command(),
        **options,
    )
    _report(folder)


@loads_model("classes")
def finetune(
    loading: dict[str, Any],
    model: Annotated[str, typer.Argument(help="A trained model's name: it gets a new classifier for the data's classes")],
    data: DataName,
    out: Out,
    val: Val = None,
    freeze: Annotated[
        list[str] | None, typer.Option(help="What does not learn: backbone, or a module's name; may be repeated")
    ] = None,
    recipe: Annotated[str, typer.Option(help=RECIPE)] = "standard",
    threat: Threat = None,
    epochs: Epochs = 5,
    batch_size: BatchSize = 64,
    lr: Rate = None,
    weight_decay: Decay = 5e-4,
    optimizer: Optimizer = "adamw",
    schedule: Schedule = "cosine",
    augment: Augment = "none",
    ema: Average = None,
    seed: Seed = 0,
    precision: Precision = "32-true",
    device: Device = "auto",
    devices: Devices = 1,
    workers: Workers = 0,
    limit: Limit = None,
    class_order: ClassOrder = None,
    follow_links: FollowLinks = False,
    exif: Exif = False,
    config: ConfigFile = None,
) -> None:
    """Give a trained network a new classifier and train it. The same command again resumes."""
    from robustkit.training import fit

    options = _options(epochs, batch_size, lr, weight_decay, optimizer, schedule, augment, ema, seed, precision)
    folder = fit.finetune(
        model,
        data,
        val=val,
        out=out,
        freeze=tuple(freeze or ()),
        recipe=recipe,
        threat=threat,
        arch=loading.pop("arch"),
        loading=loading,
        limit=limit,
        reading={"class_order": class_order, "follow_links": follow_links, "exif": exif},
        device=device,
        devices=devices,
        workers=workers,
        command=_command(),
        **options,
    )
    _report(folder)


@loads_model()
def harden(
    loading: dict[str, Any],
    model: Annotated[str, typer.Argument(help="A trained model's name: training goes on from its weights")],
    data: DataName,
    out: Out,
    threat: Annotated[str, typer.Option(help="What to harden against: linf:8/255, l2:0.5 …")],
    val: Val = None,
    recipe: Annotated[str, typer.Option(help=RECIPE.replace("standard, ", ""))] = "fast",
    epochs: Epochs = 10,
    batch_size: BatchSize = 128,
    lr: Rate = None,
    weight_decay: Decay = 5e-4,
    optimizer: Optimizer = "adamw",
    schedule: Schedule = "cosine",
    augment: Augment = "none",
    ema: Average = None,
    seed: Seed = 0,
    precision: Precision = "32-true",
    device: Device = "auto",
    devices: Devices = 1,
    workers: Workers = 0,
    limit: Limit = None,
    class_order: ClassOrder = None,
    follow_links: FollowLinks = False,
    exif: Exif = False,
    config: ConfigFile = None,
) -> None:
    """Train a network on adversarially changed images, from the weights it has. The same command again resumes."""
    from robustkit.training import fit

    options = _options(epochs, batch_size, lr, weight_decay, optimizer, schedule, augment, ema, seed, precision)
    folder = fit.harden(
        model,
        data,
        val=val,
        out=out,
        recipe=recipe,
        threat=threat,
        arch=loading.pop("arch"),
        loading=loading,
        limit=limit,
        reading={"class_order": class_order, "follow_links": follow_links, "exif": exif},
        device=device,
        devices=devices,
        workers=workers,
        command=_command(),
        **options,
    )
    _report(folder)


def _options(
    epochs: int,
    batch_size: int,
    lr: float | None,
    weight_decay: float,
    optimizer: str,
    schedule: str,
    augment: str,
    ema: float | None,
    seed: int,
    precision: str,
) -> dict[str, Any]:
    kinds = () if augment == "none" else tuple(part.strip() for part in augment.split(","))
    return {
        "epochs": epochs,
        "batch_size": batch_size,
        "lr": lr,
        "weight_decay": weight_decay,
        "optimizer": optimizer,
        "schedule": schedule,
        "augment": kinds,
        "ema": ema,
        "seed": seed,
        "precision": precision,
    }


def _command() -> str:
    return shlex.join(["robustkit", *sys.argv[1:]])


def _report(folder: Path) -> None:
    from robustkit.training.folder import read_card

    card = read_card(folder)
    metrics = card["metrics"]
    robust = (
        f", {metrics['robust']:.1%} robust at {card['run']['threat']} ({card['validation_attack']})"
        if "robust" in metrics
        else ""
    )
    results.say(f"{folder}: {metrics['clean']:.1%} clean{robust} on {card['run']['val']['n']} validation images")
