"""robustkit.toml: every key has its option's type, belongs to some command, and names no code unless the file was given."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import typer
from pydantic import Field
from typer.testing import CliRunner

from robustkit.cli.command import Command
from robustkit.cli.config import Configuration
from robustkit.cli.options import Mark, Options
from robustkit.cli.parameters import takes
from robustkit.errors import UnsafeFileError, UsageError

seen: dict[str, Any] = {}


class AuditOptions(Options):
    model: Annotated[str | None, Mark.POSITIONAL] = None
    threat: list[str] = Field([])
    surrogate: list[str] = Field([])
    limit: int | None = Field(None, ge=1)
    min_robust: float | None = Field(None, ge=0, le=1)
    suite: Annotated[str, Mark.PATH] = "standard"
    classes: Annotated[str | None, Mark.PATH] = None
    follow_links: Annotated[bool, Mark.CODE] = False
    arch: Annotated[str | None, Mark.CODE] = None
    out: Annotated[Path | None, Mark.PATH] = Field(None, strict=False)
    class_order: Literal["number", "name"] | None = None
    compile: bool = False


class TrainOptions(Options):
    data: str
    epochs: int = 1
    limit: int | None = Field(None, ge=2)


@takes(AuditOptions)
def audit(options: AuditOptions) -> None:
    seen.update(options, record=options.record())
    if options.suite == "nothing":
        raise UsageError("suite 'nothing' is unknown")


@takes(TrainOptions)
def train(options: TrainOptions) -> None:
    seen.update(options)


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
    assert (found["model"], found["threat"], found["min_robust"], found["compile"]) == ("m", ["linf:0.1"], 1.0, True)
    assert (found["limit"], found["out"]) == (4, Path("x"))
    assert said.startswith("robustkit.toml (found in this folder) sets model = ")
    assert "min_robust = 1" in said
    assert "limit" not in said
    assert found["record"]["configuration"]["file"] == "robustkit.toml"
    assert not found["record"]["configuration"]["given"]


def test_keys_of_other_commands_and_tables() -> None:
    toml = "epochs = 3\ndata = 'd'\nlimit = 5\n[audit]\nlimit = 6\n[train]\nepochs = 7\n"
    assert run(toml, "audit")[0]["limit"] == 6
    found, _ = run(toml, "train")
    assert (found["epochs"], found["limit"]) == (7, 5)


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ("min_robust = true", "robustkit.toml, line 1: min_robust = true must be a number"),
        ('\nlimit = "3"', 'robustkit.toml, line 2: limit = "3" must be a whole number'),
        ("limit = 0", "line 1: limit = 0 must be a whole number of at least 1"),
        ("min-robust = 50", "min-robust = 50 must be a number between 0 and 1"),
        ("min_robust = nan", "min_robust = NaN must be a number between 0 and 1"),
        ("[train]\nlimit = 4\n[audit]\nlimit = 0", "line 4: limit = 0"),
        ("[train]\nlimit = 1\n[audit]\nlimit = 4", "line 2: limit = 1 must be a whole number of at least 2"),
        ("audit.limt = 3", "line 1: option 'limt'"),
        ("audit = {limt = 3}", "line 1: option 'limt'"),
        ("limit = 3.0", "whole number"),
        ("limit = [3]", "whole number"),
        ("limit = true", "whole number"),
        ("compile = 1", "true or false"),
        ("compile_ = true", "did you mean 'compile'"),
        ("model = 3", "a non-empty text in quotes"),
        ('model = ["m"]', "a non-empty text in quotes"),
        ("threat = [1]", "texts"),
        ("threat = 1", "texts"),
        ("out = 3", "a non-empty text in quotes"),
        ('class_order = "size"', "'number' or 'name'"),
        ("limt = 3", "did you mean 'limit'"),
        ("epochs = true", "whole number"),
        ("[audti]\nlimit = 3", "did you mean 'audit'"),
        ("[audit]\nepochs = 3", "'epochs' is unknown"),
        ("config = 'x'", "unknown"),
        ("limit = ", "not valid TOML"),
        ("a = " + "[" * 5000, "not valid TOML"),
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


@pytest.mark.parametrize(
    ("sentence", "line"),
    [
        ("suite 'quik' is unknown: did you mean 'mend'?", 2),
        ("attack 'pgd' has no parameter 'stesp': did you mean 'steps'?", 3),
        ("--limit 4 is too many", 4),
        ("limit=4 is too many", 4),
        ("model 'other' is unknown", None),
        ("model 'm' is unknown: did you mean 'quik'?", None),
        ("model 'quik/m' and --limits are unknown", None),
    ],
)
def test_a_mistake_that_shows_later_has_its_line_too(sentence: str, line: int | None) -> None:
    toml = 'threat = "linf:0.1"\nsuite = "quik"\nattack = ["mend", "pgd:stesp=3"]\nlimit = 4'
    lines = {("", "threat"): 1, ("", "suite"): 2, ("", "attack"): 3, ("", "limit"): 4}
    file = Configuration(Path("my.toml"), True, lines, "audit", tomllib.loads(toml))
    assert file.located(sentence) == (f"my.toml, line {line}: {sentence}" if line else sentence)


def test_what_the_command_line_says_is_not_the_files_mistake() -> None:
    with pytest.raises(UsageError, match=r"^robustkit.toml, line 2: suite 'nothing' is unknown$"):
        run('limit = 3\nsuite = "nothing"', "audit")
    with pytest.raises(UsageError, match=r"^suite 'nothing' is unknown$"):
        run('limit = 3\nsuite = "quick"', "audit", "--suite", "nothing")


def test_a_run_records_every_option_as_it_was_resolved() -> None:
    found, _ = run('limit = 3\nthreat = "linf:0.1"\nout = "x"', "audit", "m", "--limit", "4")
    options = found["record"]["options"]
    assert options.keys() == AuditOptions.model_fields.keys()
    assert (options["limit"], options["threat"], options["out"], options["suite"]) == (4, ["linf:0.1"], "x", "standard")
    assert AuditOptions.model_validate(options).limit == 4
