"""Options for loading a model: keywords of `load_model`."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from robustkit.cli.options import Mark, Options


class InputOptions(Options):
    """The input format of a network that does not specify it."""

    panel: ClassVar[str | None] = "The model"

    mean: str | None = Field(
        None,
        description="For file:, python:, onnx: and script: models: the mean to subtract per channel, as 0.485,0.456,0.406",
    )
    std: str | None = Field(None, description="… the standard deviation to divide by per channel, as 0.229,0.224,0.225")
    size: str | None = Field(None, description="… the size of its images, as 224 or 224x160 (height x width)")
    channels: int | None = Field(None, description="… the number of channels, 1 or 3")
    bounds: str | None = Field(None, description="… the range of its pixels, as 0,255; images and budgets stay in 0 to 1")


class WeightsOptions(InputOptions):
    """The source of a network, and the code it may run."""

    panel: ClassVar[str | None] = "The model"

    arch: Annotated[str | None, Mark.CODE] = Field(
        None,
        description="The factory of the network for file: weights, as package.module:factory or nets:Net(num_classes=10)",
    )
    weights_key: str | None = Field(
        None, description="The key of the weights in a file: that has several, such as state_dict_ema"
    )
    allow_remote_code: Annotated[bool, Mark.CODE] = Field(
        False,
        description="Allow a hub model or a training run's card to run its own code, and a card to name a hub network",
    )


class LoadingOptions(WeightsOptions):
    """All options for loading a model."""

    panel: ClassVar[str | None] = "The model"

    classes: Annotated[str | None, Mark.PATH] = Field(
        None, description="Class names in the order of the outputs: a text file with one name per line, or a,b,c"
    )
