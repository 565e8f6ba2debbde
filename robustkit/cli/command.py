"""Commands that separate their results from what a model prints, and that finish only by returning."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.core import TyperCommand, TyperGroup

from robustkit.cli import results
from robustkit.errors import ExitCode, RobustkitError, UsageError
from robustkit.printable import one_line


@dataclass(frozen=True)
class Finished:
    """A finished command, with its exit code."""

    code: ExitCode


class NotFinishedError(Exception):
    """A command that ended for a reason other than a user error, which is in `__cause__`."""


#: Maximum number of characters of a value: the system's limit for a path.
LONGEST = 4096


def check_words(name: str, value: Any) -> None:
    """Refuse texts that cannot be a name, path or threat.

    Raises
    ------
    UsageError
        If a text contains NUL or bytes that are not UTF-8, or is too long.
    """
    for text in value if isinstance(value, list | tuple) else [value]:
        if not isinstance(text, str | Path):
            continue
        word = str(text)
        shown = f"{name} {one_line(word, 60)!r}"
        if len(word) > LONGEST:
            raise UsageError(f"{shown} has {len(word):,} characters: give at most {LONGEST:,}")
        if "\0" in word:
            raise UsageError(f"{shown} contains a NUL character: remove it")
        if any("\ud800" <= character <= "\udfff" for character in word):
            raise UsageError(f"{shown} is not valid UTF-8: rename the file, or set a UTF-8 locale")


def check_none_empty(words: Sequence[str]) -> None:
    """Refuse empty values, such as that of an unset shell variable, which would silently mean the default.

    Raises
    ------
    UsageError
        If a word of the command line, or the value after an option's equals sign, is empty.
    """
    for before, word in itertools.pairwise(["", *words]):
        option, equals, value = word.partition("=") if word.startswith("--") else (before, "=", word)
        if equals and not value:
            name = option if option.startswith("-") else "an argument"
            raise UsageError(f"{name} is empty: give a value, or omit it")


class Command(TyperCommand):
    """A command whose function returns an exit code, or None for 0.

    A raised exit code does not count: a model's `sys.exit(0)` is not a verdict.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        check_none_empty(args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        with results.apart():
            try:
                for name, value in ctx.params.items():
                    check_words(name, value)
                return Finished(ExitCode(super().invoke(ctx) or 0))
            except (KeyboardInterrupt, RobustkitError):
                raise
            except BaseException as error:
                raise NotFinishedError from error


class DefaultGroup(TyperGroup):
    """A group whose subcommand `demo` runs if none is named, with the options that follow."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        named = bool(args) and (not args[0].startswith("-") or args[0] == "--help")
        return super().parse_args(ctx, args if named else ["demo", *args])
