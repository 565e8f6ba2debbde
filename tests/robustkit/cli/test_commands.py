"""Every word leads to a command whose code counts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from robustkit import __version__
from robustkit.cli.command import Command
from robustkit.cli.commands import app
from robustkit.errors import ExitCode


def leaves(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not isinstance(command, TyperGroup):
        yield words, command
        return
    for name, inner in command.commands.items():
        yield from leaves(inner, (*words, name))


LEAVES = dict(leaves(get_command(app)))


@pytest.mark.parametrize("words", LEAVES)
def test_every_command_returns_its_code_and_has_a_help_of_its_own(words: tuple[str, ...]) -> None:
    assert isinstance(LEAVES[words], Command)
    done = CliRunner().invoke(app, [*words, "--help"])
    assert done.exit_code == 0
    assert LEAVES[words].help.split()[0] in done.stdout


@pytest.mark.parametrize("noun", ["models", "data", "attacks", "defenses", "plugins"])
def test_a_noun_alone_shows_its_verbs(noun: str) -> None:
    shown = CliRunner().invoke(app, [noun]).output
    verbs = {words[1] for words in LEAVES if words[0] == noun}
    assert "list" in verbs
    assert all(verb in shown for verb in verbs)


def test_the_help_names_every_exit_code() -> None:
    done = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "300"})
    listed = done.stdout[done.stdout.index("Exit codes:") :]
    assert {int(code) for code in re.findall(r"\b(\d+) [a-z]", listed)} == set(map(int, ExitCode))


def test_the_version() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout == f"{__version__}\n"
