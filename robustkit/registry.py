"""Plugins by name, found through entry points and imported only when used.

A built-in has a bare name (``pgd``); a plugin of another distribution is named ``distribution/name``. Both use the same
entry points (group ``robustkit.attacks``, ``robustkit.defenses`` or ``robustkit.threats``). A bridge (group
``robustkit.bridges.attacks`` or ``robustkit.bridges.defenses``) handles all names with its own as prefix:
``art/ProjectedGradientDescent``.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import math
import warnings
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

from robustkit.errors import UsageError, brief, did_you_mean, what_happened
from robustkit.number import read_number

Group = Literal["attacks", "defenses", "threats"]


@dataclass(frozen=True)
class Plugin:
    """A registered plugin; nothing is imported until `load`."""

    name: str
    group: Group
    entry: EntryPoint
    distribution: str
    version: str

    def load(self) -> type[Any]:
        """The plugin's class.

        Raises
        ------
        UsageError
            If it cannot be imported, or is not the class of a plugin.
        """
        try:
            loaded = self.entry.load()
        except (Exception, SystemExit) as error:
            cause = what_happened(error) if isinstance(error, SystemExit) else error
            raise UsageError(f"plugin {self.name!r} ({self.entry.value}) cannot be imported: {cause}") from error
        if not (inspect.isclass(loaded) and dataclasses.is_dataclass(loaded)):
            raise UsageError(f"plugin {self.name!r} ({self.entry.value}) must be a dataclass whose fields are its parameters")
        if inspect.isabstract(loaded):
            missing = ", ".join(sorted(loaded.__abstractmethods__))
            raise UsageError(
                f"plugin {self.name!r} ({self.entry.value}) lacks {missing}: implement the abstract methods of its base class"
            )
        if self.group != "threats" and not hasattr(loaded, "info"):
            made = "AttackInfo" if self.group == "attacks" else "DefenseInfo"
            raise UsageError(f"plugin {self.name!r} ({self.entry.value}) has no info: give its class info = {made}(...)")
        return loaded


@dataclass(frozen=True)
class Bridged(Plugin):
    """A class of another library, which that library's bridge turns into a plugin."""

    member: str = ""

    def load(self) -> type[Any]:
        loaded: type[Any] = self.entry.load()(self.member)
        return loaded


@cache
def plugins(group: Group) -> dict[str, Plugin]:
    """All registered plugins of a group by name, sorted."""
    found = {}
    for entry in entry_points(group=f"robustkit.{group}"):
        owner = entry.dist.name if entry.dist else "unknown"
        version = entry.dist.version if entry.dist else ""
        name = entry.name if owner == "robustkit" else f"{owner}/{entry.name}"
        found[name] = Plugin(name, group, entry, owner, version)
    return dict(sorted(found.items()))


@cache
def bridges(group: Group) -> dict[str, EntryPoint]:
    """The entry points of bridges to other libraries, each a `robustkit.bridge.Library`, by name prefix."""
    return {entry.name: entry for entry in sorted(entry_points(group=f"robustkit.bridges.{group}"), key=lambda e: e.name)}


def find(group: Group, name: str) -> Plugin:
    """The plugin of that name.

    Raises
    ------
    UsageError
        If there is none; the message names the closest ones.
    """
    known = plugins(group)
    if name in known:
        return known[name]
    library, slash, member = name.partition("/")
    if slash and library in bridges(group):
        entry = bridges(group)[library]
        return Bridged(name, group, entry, entry.dist.name if entry.dist else "unknown", "", member)
    raise UsageError(f"{group[:-1]} {brief(name)} is unknown: {did_you_mean(name, known)}")


def build(group: Group, name: str, params: dict[str, Any]) -> Any:
    """An instance of a plugin with its parameters checked against its fields.

    Raises
    ------
    UsageError
        If the plugin or a parameter is unknown, or a value is of the wrong type.
    """
    from pydantic import TypeAdapter, ValidationError

    plugin = find(group, name).load()
    fields = [field.name for field in dataclasses.fields(plugin) if field.init]
    for key in params:
        if key in getattr(plugin, "provided", ()) and key not in fields:
            raise UsageError(f"{group[:-1]} {name!r} takes {key!r} from the threat and the model: omit it")
        if key not in fields:
            raise UsageError(f"{group[:-1]} {name!r} has no parameter {brief(key)}: {did_you_mean(key, fields)}")
    try:
        built = TypeAdapter(plugin).validate_python(params)
    except UsageError as error:
        raise UsageError(f"{group[:-1]} {name!r}: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        cause = first.get("ctx", {}).get("error")
        if isinstance(cause, UsageError):
            raise UsageError(f"{group[:-1]} {name!r}: {cause}") from None
        where = ".".join(str(part) for part in first["loc"])
        if first["type"] == "missing":
            raise UsageError(f"{group[:-1]} {name!r} needs {where}=: give it a value") from None
        raise UsageError(f"{group[:-1]} {name!r}: {where}={brief(first['input'])} is wrong: {first['msg']}") from None
    except (TypeError, ValueError, ArithmeticError) as error:  # the plugin does not check its values
        raise UsageError(f"{group[:-1]} {name!r} rejects its parameters: {error}") from error
    for key in params:
        value = getattr(built, key)
        if isinstance(value, float) and not math.isfinite(value):
            raise UsageError(f"{group[:-1]} {name!r}: {key}={brief(params[key])} is not a finite number")
    return built


def parse_spec(text: str) -> tuple[str, dict[str, Any]]:
    """The name and the parameters in a text such as ``pgd:steps=40,step_size=2/255``.

    Raises
    ------
    UsageError
        If a part is not ``key=value``, or a key occurs twice.
    """
    name, _, rest = text.partition(":")
    params: dict[str, Any] = {}
    for part in filter(None, rest.split(",")):
        key, equals, value = part.partition("=")
        if not equals:
            raise UsageError(f"{brief(part)} in {brief(text)} is not a parameter: write name:key=value,key=value")
        if key.strip() in params:
            raise UsageError(f"{brief(text)} sets {brief(key.strip())} twice: omit one of them")
        params[key.strip()] = read_value(value.strip())
    return name.strip(), params


def read_value(text: str) -> Any:
    """A parameter's value: a number, a fraction such as ``2/255``, true, false, none, else the text itself."""
    named = {"true": True, "false": False, "none": None}
    if text.lower() in named:
        return named[text.lower()]
    with suppress(ValueError, SyntaxError, TypeError, MemoryError, RecursionError), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # syntax warnings about the text
        return ast.literal_eval(text)
    with suppress(ValueError):
        return read_number(text)
    return text
