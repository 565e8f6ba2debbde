"""Options from a TOML file: `robustkit.toml` in the current folder, or the one that ``--config`` gives."""

from __future__ import annotations

import json
import re
import tomllib
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal

import typer

from robustkit.cli import results
from robustkit.errors import UnsafeFileError, UsageError, did_you_mean

FOUND = Path("robustkit.toml")
#: Options that name code, or let it run, or let data lead to files elsewhere.
_CODE = {"arch", "allow_remote_code", "follow_links"}
_META = "robustkit.configuration"


@dataclass(frozen=True)
class Configuration:
    """What a file sets for a command.

    Parameters
    ----------
    path
        The file.
    given
        Whether the command line names it; one that lies in the current folder is only found.
    values
        Its value for each of the command's parameters.
    """

    path: Path
    given: bool
    values: dict[str, Any]


def use_config(context: typer.Context, path: Path | None) -> Path | None:
    """Take defaults from a TOML file. Its keys are options; those of other commands are for them, a table is one command's own."""
    chosen = path or (FOUND if FOUND.is_file() else None)
    if chosen is None:
        return None
    try:
        text = chosen.read_text(encoding="utf-8")
        settings = tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"configuration {chosen} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"configuration {chosen} is not TOML: {error}") from None
    everywhere = dict(_commands(context.find_root().command))
    known = {key: kind for options in everywhere.values() for key, (_, kind) in options.items()}
    name = str(context.command.name)
    own = everywhere[name] if name in everywhere else _options(context.command)
    known |= {key: kind for key, (_, kind) in own.items()}
    tables = {key: value for key, value in settings.items() if isinstance(value, dict)}
    common = {key: value for key, value in settings.items() if key not in tables}
    values: dict[str, Any] = {}
    for key, value in common.items():
        plain = _known(chosen, text, key, known)
        kind = own[plain][1] if plain in own else known[plain]
        checked = _checked(chosen, text, key, value, kind)
        if plain in own:
            values[own[plain][0]] = checked
    for table, keys in tables.items():
        if table not in everywhere:
            raise UsageError(f"{_place(chosen, text, table)}: table [{table}] is no command: {did_you_mean(table, everywhere)}")
        for key, value in keys.items():
            plain = _known(chosen, text, key, everywhere[table])
            parameter, kind = everywhere[table][plain]
            checked = _checked(chosen, text, key, value, kind)
            if table == name:
                values[parameter] = checked
    context.default_map = {**(context.default_map or {}), **values}
    context.meta[_META] = Configuration(chosen, path is not None, values)
    return chosen


ConfigFile = Annotated[
    Path | None, typer.Option(callback=use_config, is_eager=True, help="Options from a TOML file (robustkit.toml)")
]


def announce(context: typer.Context) -> None:
    """Say which options come from a file, and refuse code that one names which was only found.

    Raises
    ------
    UnsafeFileError
        If the command would run code that the user did not name.
    """
    used = _used(context)
    if used is None:
        return
    where = "given" if used.given else "found in this folder"
    results.note(f"{used.path} ({where}) sets {', '.join(f'{key} = {_text(value)}' for key, value in used.values.items())}")
    if used.given:
        return
    for key, value in used.values.items():
        if _names_code(key, value):
            raise UnsafeFileError(
                f"{used.path} was found in this folder, and its {key} = {_text(value)} names code to run, or a file or folder elsewhere: "
                f"give the file with --config {used.path} if you trust it, or the option on the command line"
            )


def record(context: typer.Context) -> dict[str, Any]:
    """What a run notes of the file that options came from; nothing if none did."""
    used = _used(context)
    if used is None:
        return {}
    return {"configuration": {"file": str(used.path), "given": used.given, **{k: str(v) for k, v in used.values.items()}}}


def _used(context: typer.Context) -> Configuration | None:
    """The file's part that the command line does not overrule; None if there is none."""
    found: Configuration | None = context.meta.get(_META)
    if found is None:
        return None
    values = {}
    for name, value in found.values.items():
        source = context.get_parameter_source(name)
        if source is not None and source.name == "DEFAULT_MAP":
            values[name.rstrip("_")] = value
    return Configuration(found.path, found.given, values) if values else None


def _names_code(key: str, value: Any) -> bool:
    if key in _CODE:
        return bool(value)
    texts = [str(each) for each in value] if isinstance(value, list) else [str(value)]
    if key in ("suite", "classes", "out"):  # of the first two a file's words reach the run
        return any(len(Path(text).parts) > 1 and not Path(text).resolve().is_relative_to(Path.cwd()) for text in texts)
    return any(text.strip().startswith("python:") for text in texts)


def _commands(root: Any) -> Iterator[tuple[str, dict[str, tuple[str, Any]]]]:
    """The commands that read a configuration, each with its options."""
    for name, command in getattr(root, "commands", {}).items():
        if any(parameter.name == "config" for parameter in command.params):
            yield name, _options(command)


def _options(command: Any) -> dict[str, tuple[str, Any]]:
    """A command's keys, each with its parameter and type."""
    hints = typing.get_type_hints(command.callback)
    found = {}
    for parameter in command.params:
        if parameter.name == "config" or parameter.name not in hints:
            continue
        longest = max((option for option in parameter.opts), key=len)
        found[longest.lstrip("-").replace("-", "_")] = (str(parameter.name), hints[parameter.name])
    return found


def _known(path: Path, text: str, key: str, known: Mapping[str, Any]) -> str:
    plain = key.replace("-", "_")
    if plain not in known:
        raise UsageError(f"{_place(path, text, key)}: option {key!r} is unknown: {did_you_mean(plain, known)}")
    return plain


def _checked(path: Path, text: str, key: str, value: Any, hint: Any) -> Any:
    """The value if it is of the option's type: no text is a number, and no truth value either."""
    kinds = [kind for kind in typing.get_args(hint) if kind is not NoneType] if NoneType in typing.get_args(hint) else [hint]
    kind = kinds[0]
    if typing.get_origin(kind) is list:
        values = value if isinstance(value, list) else [value]
        good, expected = all(isinstance(each, str) for each in values), 'texts, such as ["linf:8/255"]'
        value = values
    elif kind is bool:
        good, expected = isinstance(value, bool), "true or false"
    elif kind is int:
        good, expected = isinstance(value, int) and not isinstance(value, bool), "a whole number"
    elif kind is float:
        good, expected = isinstance(value, int | float) and not isinstance(value, bool), "a number"
    elif typing.get_origin(kind) is Literal:
        good, expected = value in typing.get_args(kind), " or ".join(map(repr, typing.get_args(kind)))
    else:
        good, expected = isinstance(value, str), "a text in quotes"
    if not good:
        raise UsageError(f"{_place(path, text, key)}: {key} = {_text(value)} must be {expected}")
    return value


def _place(path: Path, text: str, key: str) -> str:
    """The file and the line that a key stands in."""
    pattern = re.compile(rf"\s*\[?[\"']?{re.escape(key)}[\"']?\s*[=\]]")
    line = next((n for n, each in enumerate(text.splitlines(), 1) if pattern.match(each)), None)
    return f"{path}, line {line}" if line else str(path)


def _text(value: Any) -> str:
    """A value as TOML writes it, shortened."""
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 80 else text[:79] + "…"
