"""The options that say how a model is loaded: keywords of `load_model`."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from robustkit.cli.options import Mark, Options


class InputOptions(Options):
    """What a network cannot say itself of the images it takes."""

    panel: ClassVar[str | None] = "The model"

    mean: str | None = Field(
        None,
        description="Of file:, python:, onnx: and script: models: what is subtracted from each channel, as 0.485,0.456,0.406",
    )
    std: str | None = Field(None, description="… and what it is divided by then, as 0.229,0.224,0.225")
    size: str | None = Field(None, description="… the size of its images, as 224 or 224x160 (height x width)")
    channels: int | None = Field(None, description="… their channels, 1 or 3")
    bounds: str | None = Field(None, description="… the range of its pixels, as 0,255; images and budgets stay in 0 to 1")


class WeightsOptions(InputOptions):
    """Where a network comes from, and what may run for it."""

    panel: ClassVar[str | None] = "The model"

    arch: Annotated[str | None, Mark.CODE] = Field(
        None,
        description="What builds the network of file: weights, as package.module:factory or nets:Net(num_classes=10)",
    )
    weights_key: str | None = Field(None, description="Which of several weights in a file:, such as state_dict_ema")
    allow_remote_code: Annotated[bool, Mark.CODE] = Field(
        False,
        description="Let a hub model, or a training run's card, run its own code, and a card name a network of the hub",
    )


class LoadingOptions(WeightsOptions):
    """All that can be said of a model."""

    panel: ClassVar[str | None] = "The model"

    classes: Annotated[str | None, Mark.PATH] = Field(
        None, description="Its classes in the order of its outputs: a text file with a name a line, or a,b,c"
    )
