"""The base class of options, declared once for the command line, robustkit.toml and run.json."""

from __future__ import annotations

import inspect
from enum import Enum
from types import NoneType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError, field_validator
from pydantic.fields import FieldInfo

if TYPE_CHECKING:
    from robustkit.cli.config import Configuration


class Mark(Enum):
    """Properties of an option besides its type, default and help."""

    POSITIONAL = "given on the command line without its name"
    SHORT = "also available by its first letter"
    CODE = "names code, allows it to run, or allows data to link to files elsewhere"
    PATH = "names a file or folder; a configuration found in the current folder may not set it to a path elsewhere"


class Options(BaseModel):
    """The options of a command, or of a group that several commands share.

    A field's description is its help text, its bounds are checked, and a `Mark` in its annotation gives further properties.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    #: The heading of the class's own fields in the help.
    panel: ClassVar[str | None] = None

    _configuration: Configuration | None = PrivateAttr(default=None)

    @field_validator("*", mode="before")
    @classmethod
    def _not_empty(cls, value: Any) -> Any:
        if value == "" or (isinstance(value, list) and "" in value):
            raise ValueError("the text must not be empty")
        return value

    @classmethod
    def declared(cls) -> dict[str, tuple[FieldInfo, str | None]]:
        """Each option with its heading; the command's own options precede those of shared groups."""
        order = cls.__mro__
        homes = {name: home for home in reversed(order) for name in inspect.get_annotations(home)}
        names = sorted(cls.model_fields, key=lambda name: order.index(homes[name]))
        return {name: (cls.model_fields[name], vars(homes[name]).get("panel")) for name in names}

    @classmethod
    def mistakes(cls, values: dict[str, Any]) -> dict[str, str]:
        """The expected form of each invalid value, by option; missing options are ignored."""
        try:
            cls.model_validate(values)
        except ValidationError as error:
            wrong = [str(each["loc"][0]) for each in error.errors(include_url=False, include_context=False)]
            return {name: expected(cls.model_fields[name]) for name in wrong if name in values}
        return {}

    def part(self, group: type[Options]) -> dict[str, Any]:
        """The options that a group declares, by name."""
        return {name: getattr(self, name) for name in group.model_fields}

    def typed(self, name: str) -> bool:
        """Whether the user gave the option on the command line."""
        return name in self.model_fields_set and (self._configuration is None or name not in self._configuration.values)

    def record(self) -> dict[str, Any]:
        """The entries for run.json: all resolved options, and the configuration file if one was used."""
        found: dict[str, Any] = {"options": self.model_dump(mode="json")}
        if self._configuration is not None:
            found["configuration"] = self._configuration.record()
        return found


def expected(field: FieldInfo) -> str:
    """A description of the option's valid values."""
    kind = kind_of(field)
    if get_origin(kind) is Literal:
        return " or ".join(map(repr, get_args(kind)))
    if get_origin(kind) is list:
        return 'a list of non-empty texts, such as ["linf:8/255"]'
    if kind is bool:
        return "true or false"
    if kind not in (int, float):
        return "a non-empty text in quotes"
    number, limits = "a whole number" if kind is int else "a number", bounds(field)
    return f"{number} {'of ' if limits.startswith('at') else ''}{limits}".rstrip()


def kind_of(field: FieldInfo) -> Any:
    """The option's type without None."""
    kinds = get_args(field.annotation)
    return next(kind for kind in kinds if kind is not NoneType) if NoneType in kinds else field.annotation


def bounds(field: FieldInfo) -> str:
    """The option's bounds in words; empty if there are none."""
    least: Any = next((each.ge for each in field.metadata if isinstance(each, Ge)), None)
    most: Any = next((each.le for each in field.metadata if isinstance(each, Le)), None)
    above: Any = next((each.gt for each in field.metadata if isinstance(each, Gt)), None)
    below: Any = next((each.lt for each in field.metadata if isinstance(each, Lt)), None)
    if least is not None and most is not None:
        return f"between {least:,} and {most:,}"
    named = {"at least": least, "at most": most, "above": above, "below": below}
    return " and ".join(f"{word} {value:,}" for word, value in named.items() if value is not None)
