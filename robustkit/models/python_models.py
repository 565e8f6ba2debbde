"""``python:package.module:factory``: a function of the user's that returns a network or a robustkit Model."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import nn

from robustkit.errors import RobustkitError, UsageError
from robustkit.model import Model


def find_factory(where: str) -> Callable[..., Any]:
    """The function that ``package.module:factory`` names, found from the current directory as well.

    Raises
    ------
    UsageError
        If it is not written so, cannot be imported, or is not there.
    """
    module_name, colon, attribute = where.partition(":")
    if not colon or not attribute or not all(part.isidentifier() for part in module_name.split(".")):
        raise UsageError(f"{where!r} is not package.module:factory, such as examples.efficientnet_lite:build")
    with _current_directory_importable():
        try:
            module = importlib.import_module(module_name)
        except Exception as error:
            raise UsageError(
                f"module {module_name!r} cannot be imported from {Path.cwd()}: {type(error).__name__}: {error}"
            ) from error
    factory = getattr(module, attribute, None)
    if not callable(factory):
        raise UsageError(f"module {module_name!r} has no function {attribute!r}")
    return factory  # type: ignore[no-any-return]


def call_factory(where: str) -> nn.Module | Model:
    """What the factory returns.

    Raises
    ------
    UsageError
        If it fails, or returns neither a torch module nor a `robustkit.Model`.
    """
    factory = find_factory(where)
    with _current_directory_importable():
        try:
            made = factory()
        except RobustkitError:
            raise
        except Exception as error:
            raise UsageError(f"{where}() failed: {type(error).__name__}: {error}") from error
    if not isinstance(made, (nn.Module, Model)):
        raise UsageError(f"{where}() returned a {type(made).__name__}: expected a torch.nn.Module or a robustkit.Model")
    return made


@contextmanager
def _current_directory_importable() -> Iterator[None]:
    here = str(Path.cwd())
    added = here not in sys.path
    if added:
        sys.path.insert(0, here)
    try:
        yield
    finally:
        if added and here in sys.path:
            sys.path.remove(here)
