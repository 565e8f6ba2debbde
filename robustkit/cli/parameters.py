"""Conversion of a command's options to typer parameters, and of the parsed values back to one object."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from pydantic.fields import FieldInfo

from robustkit.cli import config
from robustkit.cli.options import Mark, Options, bounds
from robustkit.errors import UsageError

Chosen = TypeVar("Chosen", bound=Options)
Result = TypeVar("Result")

_CONFIG = inspect.Parameter(
    "config",
    inspect.Parameter.KEYWORD_ONLY,
    default=None,
    annotation=Annotated[
        Path | None, typer.Option(callback=config.use_config, is_eager=True, help="Options from a TOML file (robustkit.toml)")
    ],
)


def takes(kind: type[Chosen], configured: bool = True) -> Callable[[Callable[[Chosen], Result]], Callable[..., Result]]:
    """Turn a function of options into a command.

    Parameters
    ----------
    kind
        The class that declares the options.
    configured
        Whether they are also keys of ``robustkit.toml``.
    """

    def decorate(function: Callable[[Chosen], Result]) -> Callable[..., Result]:
        @functools.wraps(function)
        def command(context: typer.Context, **values: Any) -> Result:
            options = _chosen(kind, context, values)
            origin = options._configuration
            if origin is None:
                return function(options)
            origin.announce(kind)
            try:
                return function(options)
            except UsageError as error:
                error.args = (origin.located(str(error)),)
                raise

        added = [_parameter(name, field, panel) for name, (field, panel) in kind.declared().items()]
        first = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
        parameters = [first, *added, *([_CONFIG] if configured else [])]
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        if configured:
            command.options = kind  # type: ignore[attr-defined]  # read by `config`
        return command

    return decorate


def _chosen(kind: type[Chosen], context: typer.Context, values: dict[str, Any]) -> Chosen:
    """The options as given by the user; fields left at their default are not marked as set."""
    sources = {name: source.name for name in values if (source := context.get_parameter_source(name)) is not None}
    given = {name: values[name] for name in kind.model_fields if sources.get(name, "DEFAULT") != "DEFAULT"}
    for name, expected in kind.mistakes(given).items():
        raise UsageError(f"{_written(name, kind.model_fields[name], given[name])} must be {expected}")
    options = kind.model_validate(given)
    options._configuration = config.used(context, {name for name, source in sources.items() if source == "DEFAULT_MAP"})
    return options


def _written(name: str, field: FieldInfo, value: Any) -> str:
    """An option with its value, as on the command line."""
    shown = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{name.upper() if Mark.POSITIONAL in field.metadata else option(name)} {shown}"


def option(name: str) -> str:
    """An option's name on the command line."""
    return f"--{name.replace('_', '-')}"


def _parameter(name: str, field: FieldInfo, panel: str | None) -> inspect.Parameter:
    limits = bounds(field)
    text = f"{field.description} ({limits})" if limits else field.description
    declared: Any
    if Mark.POSITIONAL in field.metadata:
        declared = typer.Argument(help=text)
    else:
        names = [option(name)] if field.annotation is bool and field.default is False else []  # no --no-…
        if Mark.SHORT in field.metadata:
            names = [option(name), f"-{name[0]}"]
        declared = typer.Option(*names, help=text, rich_help_panel=panel)
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if field.is_required() else field.get_default(call_default_factory=True),
        annotation=Annotated[field.annotation, declared],
    )
