"""robustkit.toml: every key has its option's type, belongs to some command, and names no code unless the file was given."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import typer
from typer.testing import CliRunner

from robustkit.cli.command import Command
from robustkit.cli.config import ConfigFile, record
from robustkit.errors import UnsafeFileError, UsageError

seen: dict[str, Any] = {}


def audit(
    context: typer.Context,
    model: Annotated[str | None, typer.Argument()] = None,
    threat: list[str] | None = None,
    surrogate: list[str] | None = None,
    limit: int | None = None,
    min_robust: float | None = None,
    suite: str = "standard",
    classes: str | None = None,
    follow_links: bool = False,
    arch: str | None = None,
    out: Path | None = None,
    class_order: Literal["number", "name"] | None = None,
    compile_: Annotated[bool, typer.Option("--compile")] = False,
    config: ConfigFile = None,
) -> None:
    seen.update(locals(), record=record(context))


def train(epochs: int = 1, limit: int | None = None, config: ConfigFile = None) -> None:
    seen.update(locals())


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    seen.clear()


def run(toml: str, *words: str, name: str = "robustkit.toml") -> tuple[dict[str, Any], str]:
    Path(name).write_text(toml, encoding="utf-8")
    app = typer.Typer()
    app.command("audit", cls=Command)(audit)
    app.command("train", cls=Command)(train)
    done = CliRunner().invoke(app, list(words))
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return seen, done.stderr


def test_a_file_sets_options_and_is_named() -> None:
    found, said = run(
        'model = "m"\nthreat = "linf:0.1"\nmin-robust = 1\ncompile = true\nlimit = 3\nout = "x"', "audit", "--limit", "4"
    )
    assert (found["model"], found["threat"], found["min_robust"], found["compile_"]) == ("m", ["linf:0.1"], 1.0, True)
    assert (found["limit"], found["out"]) == (4, Path("x"))
    assert said.startswith("robustkit.toml (found in this folder) sets model = ")
    assert "min_robust = 1" in said
    assert "limit" not in said
    assert found["record"]["configuration"]["file"] == "robustkit.toml"
    assert not found["record"]["configuration"]["given"]


def test_keys_of_other_commands_and_tables() -> None:
    toml = "epochs = 3\nlimit = 5\n[audit]\nlimit = 6\n[train]\nepochs = 7\n"
    assert run(toml, "audit")[0]["limit"] == 6
    found, _ = run(toml, "train")
    assert (found["epochs"], found["limit"]) == (7, 5)


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ("min_robust = true", "robustkit.toml, line 1: min_robust = true must be a number"),
        ('\nlimit = "3"', 'robustkit.toml, line 2: limit = "3" must be a whole number'),
        ("limit = 3.0", "whole number"),
        ("limit = [3]", "whole number"),
        ("limit = true", "whole number"),
        ("compile = 1", "true or false"),
        ("compile_ = true", "did you mean 'compile'"),
        ("model = 3", "a text in quotes"),
        ('model = ["m"]', "a text in quotes"),
        ("threat = [1]", "texts"),
        ("threat = 1", "texts"),
        ('class_order = "size"', "'number' or 'name'"),
        ("limt = 3", "did you mean 'limit'"),
        ("epochs = true", "whole number"),
        ("[audti]\nlimit = 3", "did you mean 'audit'"),
        ("[audit]\nepochs = 3", "'epochs' is unknown"),
        ("config = 'x'", "unknown"),
        ("limit = ", "not TOML"),
        ("a = " + "[" * 5000, "not TOML"),
    ],
)
def test_a_wrong_key_is_one_sentence(toml: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        run(toml, "audit")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "toml",
    [
        'model = "python:evil:build"',
        'surrogate = ["a", " python:evil:build"]',
        'arch = "evil:build"',
        'suite = "../evil.toml"',
        'classes = "/etc/passwd"',
        'out = "../elsewhere"',
        "follow_links = true",
    ],
)
def test_code_needs_the_file_to_be_given(toml: str) -> None:
    with pytest.raises(UnsafeFileError, match="found in this folder"):
        run(toml, "audit")
    assert not seen
    _, said = run(toml, "audit", "--config", "robustkit.toml")
    assert seen
    assert "(given)" in said


def test_code_that_the_command_line_overrules_is_no_matter() -> None:
    assert run('model = "python:evil:build"', "audit", "builtin/fashion-robust")[0]["model"] == "builtin/fashion-robust"
