"""The options of every command that loads a model."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import typer

Result = TypeVar("Result")

_PANEL = "The model"


def _option(text: str, *names: str) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=_PANEL)


_OPTIONS: dict[str, tuple[Any, Any]] = {
    "arch": (
        Annotated[
            str | None,
            _option("What builds the network of file: weights, as package.module:factory or nets:Net(num_classes=10)"),
        ],
        None,
    ),
    "weights_key": (Annotated[str | None, _option("Which of several weights in a file:, such as state_dict_ema")], None),
    "mean": (
        Annotated[
            str | None,
            _option("Of file:, python:, onnx: and script: models: what is subtracted from each channel, as 0.485,0.456,0.406"),
        ],
        None,
    ),
    "std": (Annotated[str | None, _option("… and what it is divided by then, as 0.229,0.224,0.225")], None),
    "size": (Annotated[str | None, _option("… the size of its images, as 224 or 224x160 (height x width)")], None),
    "channels": (Annotated[int | None, _option("… their channels, 1 or 3")], None),
    "bounds": (
        Annotated[str | None, _option("… the range of its pixels, as 0,255; images and budgets stay in 0 to 1")],
        None,
    ),
    "classes": (
        Annotated[str | None, _option("… its classes in the order of its outputs: a text file with a name a line, or a,b,c")],
        None,
    ),
    "allow_remote_code": (
        Annotated[
            bool,
            _option(
                "Let a hub model, or a training run's card, run its own code, and a card name a network of the hub",
                "--allow-remote-code",
            ),
        ],
        False,
    ),
}


def loads_model(*without: str) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Give a command the options that say how a model is loaded.

    Its parameter `loading` becomes these options; it gets what the user chose as keywords of `load_model`.

    Parameters
    ----------
    *without
        Options that have no meaning for the command.
    """
    options = {name: option for name, option in _OPTIONS.items() if name not in without}

    def decorate(function: Callable[..., Result]) -> Callable[..., Result]:
        signature = inspect.signature(function, eval_str=True)
        own = [parameter for name, parameter in signature.parameters.items() if name != "loading"]
        added = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
            for name, (kind, default) in options.items()
        ]

        @functools.wraps(function)
        def command(*args: Any, **values: Any) -> Result:
            loading = {name: values.pop(name, default) for name, (_, default) in options.items()}
            return function(*args, **values, loading=loading)

        command.__signature__ = signature.replace(parameters=[*own, *added])  # type: ignore[attr-defined]
        command.__annotations__ = {parameter.name: parameter.annotation for parameter in (*own, *added)}
        return command

    return decorate
