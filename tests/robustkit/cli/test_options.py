"""What one declaration says of an option."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
from pydantic import Field, ValidationError

from robustkit.cli.options import Options, bounds, expected


class Group(Options):
    panel: ClassVar[str | None] = "A group"

    mean: str | None = None


class Own(Group):
    text: str
    whole: int | None = Field(None, ge=1)
    many: int = Field(1, ge=1, le=100_000)
    share: float = Field(0.5, gt=0, lt=1)
    plain: float = 0.0
    flag: bool = False
    folder: Path | None = Field(None, strict=False)
    order: Literal["number", "name"] | None = None
    texts: list[str] = Field([])


@pytest.mark.parametrize(
    ("name", "words", "limits"),
    [
        ("text", "a non-empty text in quotes", ""),
        ("whole", "a whole number of at least 1", "at least 1"),
        ("many", "a whole number between 1 and 100,000", "between 1 and 100,000"),
        ("share", "a number above 0 and below 1", "above 0 and below 1"),
        ("plain", "a number", ""),
        ("flag", "true or false", ""),
        ("folder", "a non-empty text in quotes", ""),
        ("order", "'number' or 'name'", ""),
        ("texts", 'a list of non-empty texts, such as ["linf:8/255"]', ""),
    ],
)
def test_what_is_expected_in_words(name: str, words: str, limits: str) -> None:
    field = Own.model_fields[name]
    assert (expected(field), bounds(field)) == (words, limits)


@pytest.mark.parametrize(
    "values",
    [
        {"whole": 0}, {"whole": 2.0}, {"whole": "2"}, {"whole": True}, {"many": 100_001}, {"share": 1}, {"share": float("nan")},
        {"plain": float("inf")}, {"plain": True}, {"flag": 1}, {"folder": 3}, {"order": "size"}, {"texts": [1]}, {"text": None},
        {"text": ""}, {"folder": ""}, {"texts": ["a", ""]},
    ],
)  # fmt: skip
def test_a_value_of_another_type_or_out_of_bounds_is_a_mistake(values: dict[str, Any]) -> None:
    (name,) = values
    assert Own.mistakes(values) == {name: expected(Own.model_fields[name])}


def test_what_is_not_there_is_no_mistake() -> None:
    assert Own.mistakes({"whole": 1, "plain": 2, "folder": "x", "texts": ["a"]}) == {}


def test_the_own_options_come_first_and_a_group_has_its_heading() -> None:
    declared = Own.declared()
    assert list(declared)[-1] == "mean"
    assert (declared["mean"][1], declared["text"][1]) == ("A group", None)


def test_options_are_what_run_json_holds_of_them() -> None:
    made = Own(text="a", folder=Path("x"), whole=3)
    assert made.part(Group) == {"mean": None}
    assert made.typed("whole")
    assert not made.typed("flag")
    assert Own.model_validate(made.record()["options"]) == made
    assert made.record().keys() == {"options"}
    with pytest.raises(ValidationError):
        Own.model_validate({**made.record()["options"], "another": 1})
