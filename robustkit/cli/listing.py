"""models and data: list the sources and the shipped ones, and describe one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from robustkit import watch
from robustkit.cli import results
from robustkit.cli.limits import TimeOptions
from robustkit.cli.loading import LoadingOptions
from robustkit.cli.options import Mark
from robustkit.cli.parameters import takes
from robustkit.cli.plugins import table
from robustkit.cli.reading import LinkOptions
from robustkit.errors import UsageError

if TYPE_CHECKING:
    from robustkit.contracts.model import Model
    from robustkit.spec import InputSpec


class ModelShowOptions(LoadingOptions, TimeOptions):
    """The options of models show."""

    name: Annotated[str, Mark.POSITIONAL] = Field(description="A model's name, such as timm/resnet18.a1_in1k")


class DataShowOptions(LinkOptions):
    """The options of data show."""

    name: Annotated[str, Mark.POSITIONAL] = Field(description="The data's name, such as folder:photos")


def models_list() -> None:
    """Sources of models, and the shipped models."""
    from robustkit.models.builtin_models import builtin_names
    from robustkit.models.load import SOURCES

    table(["write", "for"], [[example, what] for example, what in SOURCES.values()])
    results.say(f"\nshipped: {', '.join(builtin_names())}")


@takes(ModelShowOptions, configured=False)
def models_show(options: ModelShowOptions) -> None:
    """Input, preprocessing, classes and size of a model."""
    from robustkit.models.load import load_model

    watch.set_limit(options.timeout)
    model = load_model(options.name, device="cpu", **options.part(LoadingOptions))
    facts = {
        "model": model.name,
        "network": type(model if model.net is None else model.net).__name__,
        "parameters": f"{model.parameters:,}" if model.parameters else "unknown",
        "images": _input(model.spec),
        "bounds": f"{model.bounds[0]:g} to {model.bounds[1]:g}",
        "mean": _numbers(model.mean),
        "std": _numbers(model.std),
        "classes": _classes(model),
    }
    table(["", ""], [[key, value] for key, value in facts.items()])


def data_list() -> None:
    """Sources of data, and the shipped data sets."""
    from robustkit.data.builtin_data import builtin_names
    from robustkit.data.load import SOURCES
    from robustkit.data.torchvision_data import data_root

    table(["write", "for"], [[example, what] for example, what in SOURCES.values()])
    results.say(f"\nshipped: {', '.join(f'builtin/{name}' for name in builtin_names())}")
    results.say(f"torchvision's files are expected in {data_root()} (set ROBUSTKIT_DATA to change it)")


@takes(DataShowOptions, configured=False)
def data_show(options: DataShowOptions) -> None:
    """Number of samples per class, and the size of the first image."""
    import numpy as np

    from robustkit.data.load import load_data
    from robustkit.spec import InputSpec

    data = load_data(options.name, **options.part(LinkOptions))
    first = next(data.batches(InputSpec(), 1, skip_broken=True), None)
    if first is None:
        raise UsageError(f"no image of {options.name} can be read")
    labels, counts = np.unique(data.labels, return_counts=True)
    size = "x".join(str(side) for side in reversed(first.x.shape[-2:]))
    table(["", ""], [["data", data.name], ["samples", f"{len(data):,}"], ["first image", f"{size} pixels"]])
    for note in data.notes:
        results.note(note)
    results.say()
    named = data.classes or ()
    rows = [
        [str(label), named[label] if 0 <= label < len(named) else str(label), f"{count:,}"]
        for label, count in zip(labels.tolist(), counts.tolist(), strict=True)
    ]
    table(["label", "class", "samples"], rows)


def _input(spec: InputSpec) -> str:
    kind = "grey" if spec.channels == 1 else "RGB"
    if spec.size is None:
        return f"{kind}, any size"
    height, width = spec.size
    crop = f", shorter side resized to {spec.resize}, then centre-cropped" if spec.resize is not None else ", resized"
    return f"{kind}, {width}x{height} pixels{crop} ({spec.interpolation})"


def _numbers(values: tuple[float, ...] | None) -> str:
    return "none" if values is None else ", ".join(f"{value:.4g}" for value in values)


def _classes(model: Model) -> str:
    if model.classes is None:
        try:
            return f"{model.num_classes():,}, unnamed"
        except UsageError:
            return "unknown: they depend on the size of the images"
    shown = "; ".join(model.classes[:5]) + ("; …" if len(model.classes) > 5 else "")
    return f"{len(model.classes):,}: {shown}"
