"""train, finetune and harden: each writes a folder that is itself a model name."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from robustkit.cli import results
from robustkit.cli.loading import InputOptions, LoadingOptions, WeightsOptions
from robustkit.cli.options import Mark, Options
from robustkit.cli.parameters import takes
from robustkit.cli.reading import ReadingOptions

RECIPE = "A training recipe, as name:key=value: standard, fast, pgd:steps=7 … (robustkit defenses list)"
Epochs = Annotated[int, Field(ge=1, description="Passes over the training images")]
BatchSize = Annotated[int, Field(ge=1, description="Images per step and device")]


class LearningOptions(Options):
    """Hyperparameters of training: fields of `TrainingOptions`."""

    epochs: Epochs = 10
    batch_size: BatchSize = 128
    lr: float | None = Field(None, gt=0, description="Peak learning rate; default 0.001 for adamw, 0.1 for sgd")
    weight_decay: float = Field(5e-4, ge=0, description="Weight decay")
    optimizer: Literal["adamw", "sgd"] = Field("adamw", description="sgd has a Nesterov momentum of 0.9")
    schedule: Literal["cosine", "cyclic", "constant"] = Field("cosine", description="Learning rate schedule")
    augment: str = Field("none", description="flip, crop, flip,crop or none")
    ema: float | None = Field(
        None, gt=0, lt=1, description="Keep a moving average of the weights with this decay, such as 0.998"
    )
    seed: int = Field(0, description="Seed of all random numbers")
    precision: Literal["32-true", "bf16-mixed", "bf16-true", "16-mixed", "64-true"] = Field(
        "32-true", description="Precision, as named by Lightning Fabric"
    )

    def settings(self) -> dict[str, Any]:
        """Keywords of `TrainingOptions`."""
        kinds = () if self.augment == "none" else tuple(part.strip() for part in self.augment.split(","))
        return {**self.part(LearningOptions), "augment": kinds}


class FlowOptions(LearningOptions, ReadingOptions):
    """The options shared by all three."""

    data: str = Field(
        description="Training images: folder:… npz:… csv:… parquet:… webdataset:… torchvision/… hf/… (its training split)"
    )
    out: Annotated[Path, Mark.SHORT, Mark.PATH] = Field(
        strict=False, description="The run folder; running the same command again resumes"
    )
    val: str | None = Field(None, description="Validation images; by default a stratified tenth of the data is held out")
    recipe: str = Field("standard", description=RECIPE)
    threat: str | None = Field(None, description="linf:8/255, l2:0.5 …: the threat for training and validation")
    device: str = Field("auto", description="auto, cpu, cuda or cuda:N")
    devices: int = Field(1, ge=1, description="Number of devices of that kind")
    workers: int = Field(0, ge=0, description="Processes that read images")
    limit: int | None = Field(None, ge=2, description="Maximum number of training images, drawn evenly from the classes")

    def common(self) -> dict[str, Any]:
        """The keyword arguments shared by all three."""
        return {
            **{
                name: getattr(self, name)
                for name in ("val", "out", "recipe", "threat", "limit", "device", "devices", "workers")
            },
            **self.settings(),
            "reading": self.part(ReadingOptions),
            "command": shlex.join(["robustkit", *sys.argv[1:]]),
        }


class TrainOptions(FlowOptions, InputOptions):
    """The options of train."""

    model: Annotated[str, Mark.POSITIONAL] = Field(
        description="torchvision/… timm/… builtin/… python:…: its architecture with new weights"
    )
    size: str | None = Field(
        None,
        description="Size of the images, as 224 or 224x160 (height x width); default: their common size, else 224",
    )


class FinetuneOptions(FlowOptions, WeightsOptions):
    """The options of finetune."""

    model: Annotated[str, Mark.POSITIONAL] = Field(
        description="A trained model's name: it gets a new classifier for the data's classes"
    )
    freeze: list[str] = Field([], description="What to freeze: backbone, or a module's name; may be repeated")
    epochs: Epochs = 5
    batch_size: BatchSize = 64


class HardenOptions(FlowOptions, LoadingOptions):
    """The options of harden."""

    model: Annotated[str, Mark.POSITIONAL] = Field(description="A trained model's name: training continues from its weights")
    threat: str = Field(description="The threat to harden against: linf:8/255, l2:0.5 …")
    recipe: str = Field("fast", description=RECIPE.replace("standard, ", ""))


@takes(TrainOptions)
def train(options: TrainOptions) -> None:
    """Train a network from scratch. Running the same command again resumes."""
    from robustkit.training import fit

    _report(fit.train(options.model, options.data, loading=options.part(InputOptions), **options.common()))


@takes(FinetuneOptions)
def finetune(options: FinetuneOptions) -> None:
    """Give a trained network a new classifier and train it. Running the same command again resumes."""
    from robustkit.training import fit

    loading = options.part(WeightsOptions)
    arch = loading.pop("arch")
    frozen = tuple(options.freeze)
    _report(fit.finetune(options.model, options.data, freeze=frozen, arch=arch, loading=loading, **options.common()))


@takes(HardenOptions)
def harden(options: HardenOptions) -> None:
    """Train a network on adversarial images, starting from its weights. Running the same command again resumes."""
    from robustkit.training import fit

    loading = options.part(LoadingOptions)
    arch = loading.pop("arch")
    _report(fit.harden(options.model, options.data, arch=arch, loading=loading, **options.common()))


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
