"""Options from a TOML file: `robustkit.toml` in the current folder, or the file given with ``--config``."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_origin

import typer

from robustkit.cli import results
from robustkit.cli.options import Mark, Options, kind_of
from robustkit.errors import UnsafeFileError, UsageError, brief, did_you_mean

FOUND = Path("robustkit.toml")
_META = "robustkit.configuration"


@dataclass(frozen=True)
class Configuration:
    """The options that a file sets for a command.

    Parameters
    ----------
    path
        The file.
    given
        Whether it was given on the command line rather than found in the current folder.
    lines
        The line number of each (table, key).
    table
        The command's name.
    values
        The options of the command that the file sets.
    """

    path: Path
    given: bool
    lines: Mapping[tuple[str, str], int]
    table: str
    values: Mapping[str, Any]

    def place(self, key: str, table: str | None = None) -> str:
        """The file and the line of a key."""
        within = self.table if table is None else table
        at = [(within, key), *([("", key)] if table is None else []), ("", within)]
        line = next((self.lines[each] for each in at if each in self.lines), None)
        return f"{self.path}, line {line}" if line else str(self.path)

    def announce(self, kind: type[Options]) -> None:
        """Print the options that come from the file; refuse options of a found file that name code.

        Raises
        ------
        UnsafeFileError
            If the command would run code that the user did not name.
        """
        where = "given" if self.given else "found in this folder"
        results.note(f"{self.path} ({where}) sets {', '.join(f'{key} = {_text(value)}' for key, value in self.values.items())}")
        if self.given:
            return
        for key, value in self.values.items():
            if _names_code(value, kind.model_fields[key].metadata):
                raise UnsafeFileError(
                    f"{self.path} was found in this folder, and its {key} = {_text(value)} names code to run, or a file or folder "
                    f"elsewhere: if you trust it, use --config {self.path}, or give the option on the command line"
                )

    def located(self, sentence: str) -> str:
        """An error message, prefixed by file and line if the value it names comes from the file."""
        named, _, _ = sentence.partition("did you mean")  # the rest is a suggestion, not a value of the file
        for mentions in (_whole, _in_part):
            for key, value in self.values.items():
                if mentions(named, key, value):
                    return f"{self.place(key)}: {sentence}"
        return sentence

    def record(self) -> dict[str, Any]:
        """The entry of the file in run.json."""
        return {"file": str(self.path), "given": self.given, **{key: str(value) for key, value in self.values.items()}}


def use_config(context: typer.Context, path: Path | None) -> Path | None:
    """Take defaults from a TOML file. Its keys are options of any command; a table applies only to the command it names."""
    chosen = path or (FOUND if FOUND.is_file() else None)
    if chosen is None:
        return None
    settings, lines = _read(chosen)
    name = str(context.command.name)
    commands = dict(_commands(context.find_root().command))
    own = commands.setdefault(name, context.command.callback.options)  # type: ignore[union-attr]
    file = Configuration(chosen, path is not None, lines, name, {})
    tables = {key: value for key, value in settings.items() if isinstance(value, dict)}
    common = {key: value for key, value in settings.items() if key not in tables}
    values = _checked(file, "", common, [own, *commands.values()])
    for table, keys in tables.items():
        if table not in commands:
            raise UsageError(f"{file.place(table, table)}: table [{table}] is not a command: {did_you_mean(table, commands)}")
        checked = _checked(file, table, keys, [commands[table]])
        if table == name:
            values |= checked
    values = {key: value for key, value in values.items() if key in own.model_fields}
    context.default_map = {**(context.default_map or {}), **values}
    context.meta[_META] = replace(file, values=values)
    return chosen


def used(context: typer.Context, names: set[str]) -> Configuration | None:
    """The file's configuration restricted to the options of these names; None if there is none."""
    found: Configuration | None = context.meta.get(_META)
    if found is None or not names:
        return None
    return replace(found, values={key: value for key, value in found.values.items() if key in names})


def _read(path: Path) -> tuple[dict[str, Any], dict[tuple[str, str], int]]:
    """The settings in a file, and the line of each (table, key)."""
    try:
        text = path.read_text(encoding="utf-8")
        settings = tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"configuration {path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"configuration {path} is not valid TOML: {error}") from None
    lines: dict[tuple[str, str], int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[\s*[\"']?([\w-]+)[\"']?\s*\]", line):
            table = header[1]
            lines.setdefault((table, table), number)
        elif key := re.match(r"\s*(?:([\w-]+)\s*\.\s*)?[\"']?([\w-]+)[\"']?\s*=", line):
            lines.setdefault((key[1] or table, key[2].replace("-", "_")), number)
    return settings, lines


def _checked(file: Configuration, table: str, settings: dict[str, Any], kinds: list[type[Options]]) -> dict[str, Any]:
    """A table's values by option, checked against the first command that has the option."""
    values: dict[str, Any] = {}
    for key, value in settings.items():
        name = key.replace("-", "_")
        kind = next((each for each in kinds if name in each.model_fields), None)
        place = file.place(name, table)
        if kind is None:
            known = {option for each in kinds for option in each.model_fields}
            raise UsageError(f"{place}: option {key!r} is unknown: {did_you_mean(name, known)}")
        if isinstance(value, str) and get_origin(kind_of(kind.model_fields[name])) is list:
            value = [value]
        for expected in kind.mistakes({name: value}).values():
            raise UsageError(f"{place}: {key} = {_text(value)} must be {expected}")
        values[name] = value
    return values


def _names_code(value: Any, declared: list[Any]) -> bool:
    if Mark.CODE in declared:
        return bool(value)
    texts = _texts(value)
    if Mark.PATH in declared:
        return any(len(Path(text).parts) > 1 and not Path(text).resolve().is_relative_to(Path.cwd()) for text in texts)
    return any(text.strip().startswith("python:") for text in texts)


def _texts(value: Any) -> list[str]:
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]


def _whole(sentence: str, key: str, value: Any) -> bool:
    """Whether a sentence names an option or one of its texts."""
    words = [rf"--{key.replace('_', '-')}\b", rf"\b{key}="]
    words += [rf"(?<![\w/:.-]){re.escape(text)}(?![\w/:-])" for text in _texts(value) if len(text) > 2]
    return any(re.search(word, sentence) for word in words)


def _in_part(sentence: str, key: str, value: Any) -> bool:
    """Whether a sentence quotes a part of one of the texts, such as 'pgd' in pgd:steps=3."""
    return any(f"'{part}'" in sentence for text in _texts(value) for part in re.split("[:=,]", text) if part)


def _commands(root: Any) -> Iterator[tuple[str, type[Options]]]:
    """The commands whose options may come from a file."""
    for name, command in getattr(root, "commands", {}).items():
        if hasattr(command.callback, "options"):
            yield name, command.callback.options


def _text(value: Any) -> str:
    """A value in TOML syntax, shortened."""
    try:
        text = json.dumps(value, default=str, ensure_ascii=False)
    except (ValueError, RecursionError):
        return brief(value)
    return text if len(text) <= 80 else text[:79] + "…"
