"""Options on the command line, from their one declaration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import pytest
import typer
from pydantic import Field
from typer.main import get_command
from typer.testing import CliRunner

from robustkit.cli.options import Mark, Options
from robustkit.cli.parameters import takes
from robustkit.errors import UsageError


class Group(Options):
    panel: ClassVar[str | None] = "A group"

    fast: bool = False
    share: float = Field(0.5, gt=0, lt=1, description="How much")


class Own(Group):
    name: Annotated[str, Mark.POSITIONAL] = Field(description="Which")
    out: Annotated[Path, Mark.SHORT] = Field(strict=False)
    many: list[str] = Field([])
    count: int | None = Field(None, ge=1, description="How many")
    kind: Literal["a", "b"] = "a"
    both: bool = True


def run(*words: str) -> Own:
    seen: list[Own] = []
    app = typer.Typer()
    app.command()(takes(Own, configured=False)(seen.append))
    done = CliRunner().invoke(app, list(words))
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return seen[0]


def test_what_is_typed_arrives_typed() -> None:
    chosen = run(
        "n", "-o", "x", "--many", "1", "--many", "2", "--count", "3", "--kind", "b", "--fast", "--no-both", "--share", "0.25"
    )
    assert chosen == Own(name="n", out=Path("x"), many=["1", "2"], count=3, kind="b", fast=True, both=False, share=0.25)
    assert chosen.part(Group) == {"fast": True, "share": 0.25}


def test_what_is_left_out_is_at_its_default_and_not_said() -> None:
    chosen = run("n", "--out", "x", "--kind", "a")
    assert chosen.model_fields_set == {"name", "out", "kind"}
    assert chosen.typed("kind")
    assert not chosen.typed("count")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--count", "0"), "--count 0 must be a whole number of at least 1"),
        (("--share", "1"), "--share 1 must be a number above 0 and below 1"),
        (("--share", "nan"), "--share nan must be a number above 0 and below 1"),
    ],
)
def test_bounds_are_one_sentence(words: tuple[str, ...], says: str) -> None:
    with pytest.raises(UsageError) as caught:
        run("n", "-o", "x", *words)
    assert str(caught.value) == says


def test_the_help_has_bounds_headings_and_own_options_first() -> None:
    app = typer.Typer()
    app.command()(takes(Own)(print))
    parameters: Any = get_command(app).params
    shown = {each.name: each for each in parameters}
    assert list(shown)[:8] == ["name", "out", "many", "count", "kind", "both", "fast", "share"]
    assert (shown["count"].help, shown["share"].help) == ("How many (at least 1)", "How much (above 0 and below 1)")
    assert (shown["share"].rich_help_panel, shown["count"].rich_help_panel) == ("A group", None)
    assert shown["fast"].secondary_opts == []
    assert "config" in shown
