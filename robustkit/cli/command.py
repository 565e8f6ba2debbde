"""A command as it runs: its results are kept apart from what a model prints, and only its return is an end."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.core import TyperCommand

from robustkit.cli import results
from robustkit.errors import ExitCode, RobustkitError, UsageError
from robustkit.printable import one_line


@dataclass(frozen=True)
class Finished:
    """A command that came to its end, with its exit code."""

    code: ExitCode


class NotFinishedError(Exception):
    """A command that something else than a mistake of the user's ended: `__cause__` says what."""


#: Characters that the longest value may have: the system's limit for a path.
LONGEST = 4096


def check_words(name: str, value: Any) -> None:
    """Refuse text that is no text, or that no name, path or threat has.

    Raises
    ------
    UsageError
        If it holds a NUL, bytes that are not UTF-8, or too many characters.
    """
    for text in value if isinstance(value, list | tuple) else [value]:
        if not isinstance(text, str | Path):
            continue
        word = str(text)
        shown = f"{name} {one_line(word, 60)!r}"
        if len(word) > LONGEST:
            raise UsageError(f"{shown} has {len(word):,} characters: give at most {LONGEST:,}")
        if "\0" in word:
            raise UsageError(f"{shown} holds a NUL character: leave it out")
        if any("\ud800" <= character <= "\udfff" for character in word):
            raise UsageError(f"{shown} is not valid UTF-8: rename the file, or set a UTF-8 locale")


def check_none_empty(words: Sequence[str]) -> None:
    """Refuse an empty value, such as that of a shell's variable which is not set: it would read as the option left out.

    Raises
    ------
    UsageError
        If a word of the command line, or what follows an option's equals sign, is empty.
    """
    for before, word in itertools.pairwise(["", *words]):
        option, equals, value = word.partition("=") if word.startswith("--") else (before, "=", word)
        if equals and not value:
            name = option if option.startswith("-") else "an argument"
            raise UsageError(f"{name} is empty: give a value, or leave it out")


class Command(TyperCommand):
    """A command whose function returns an exit code, or None for 0.

    A code that is raised does not count: a model's `sys.exit(0)` is no verdict.
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
