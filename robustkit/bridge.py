"""Bridges, which turn classes of other libraries into plugins: constructor parameters become dataclass fields."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from robustkit.errors import UsageError, brief, did_you_mean


@dataclass(frozen=True)
class Library:
    """A library whose classes are plugins named ``name/CLASS``. It is imported only when a class is requested.

    Parameters
    ----------
    name
        The prefix of its plugins' names.
    kind
        ``attack`` or ``defense``.
    distribution
        The name of its distribution.
    install
        The argument of ``pip install``.
    classes
        Imports the library and returns its supported classes by name, including aliases.
    adapt
        Returns a plugin, a dataclass, for the plugin's name and a class.
    """

    name: str
    kind: str
    distribution: str
    install: str
    classes: Callable[[], Mapping[str, type[Any]]]
    adapt: Callable[[str, type[Any]], type[Any]]

    @property
    def version(self) -> str | None:
        """The library's version; None if it is not installed."""
        try:
            return version(self.distribution)
        except PackageNotFoundError:
            return None

    def names(self) -> list[str]:
        """The sorted names of all classes, without aliases.

        Raises
        ------
        UsageError
            If the library is not installed.
        """
        return sorted({name for name, known in self._known().items() if name == known.__name__})

    def __call__(self, member: str) -> type[Any]:
        """The plugin for a class.

        Raises
        ------
        UsageError
            If the library is not installed or has no such class; the message names the closest ones.
        """
        known = self._known()
        if member not in known:
            hint = did_you_mean(f"{self.name}/{member}", (f"{self.name}/{name}" for name in known))
            raise UsageError(f"{self.kind} {brief(f'{self.name}/{member}')} is unknown: {hint}")
        return _adapted(self, known[member].__name__)

    def _known(self) -> Mapping[str, type[Any]]:
        if self.version is None:
            raise UsageError(
                f"{self.kind}s named {self.name}/… need {self.distribution}, which is not installed: pip install {self.install}"
            )
        try:
            return self.classes()
        except ImportError as error:
            raise UsageError(f"{self.distribution} {self.version} cannot be imported: {error}") from error


@cache
def _adapted(library: Library, member: str) -> type[Any]:
    """The plugin for a class, always the same object."""
    return library.adapt(f"{library.name}/{member}", library.classes()[member])


def parameters(peer: type[Any], provided: Collection[str]) -> list[tuple[str, Any, Any]]:
    """A class's constructor parameters, except those `provided`, as names, types and fields for `make_dataclass`."""
    found = []
    for parameter in inspect.signature(peer).parameters.values():
        if parameter.name in provided or parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        default = parameter.default
        required = default is parameter.empty
        kind = Any if required else _kind(default, str(parameter.annotation))
        found.append((parameter.name, kind, dataclasses.field() if required else dataclasses.field(default=default)))
    return found


def _kind(default: Any, annotation: str) -> Any:
    """The type to check a value against, if default and annotation are unambiguous; else `Any`."""
    if isinstance(default, (bool, str, float)):
        return type(default)
    return int if isinstance(default, int) and annotation in ("int", "'int'", "<class 'int'>") else Any


def documentation(peer: type[Any]) -> str:
    """The docstrings of a class and its constructor."""
    texts = [peer.__doc__, None if peer.__init__ is object.__init__ else peer.__init__.__doc__]
    return "\n\n".join(inspect.cleandoc(text) for text in texts if text)
