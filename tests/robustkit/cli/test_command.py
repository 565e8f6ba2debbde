"""Values that no option takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from robustkit.cli.command import check_none_empty, check_words
from robustkit.errors import UsageError


@pytest.mark.parametrize("word", ["a\0b", "caf\udce9", "-" * 5000])
def test_words_that_are_none(word: str) -> None:
    for value in (word, Path(word), ["fine", word]):
        with pytest.raises(UsageError) as caught:
            check_words("out", value)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 200


def test_other_values_pass() -> None:
    for value in ("naïve/名前", Path("x" * 300), None, 3, True, ["a", "b"], ()):
        check_words("out", value)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["model", "--data", ""], "--data"), (["--data="], "--data"), (["-o", ""], "-o"), ([""], "an argument"),
        (["model", ""], "an argument"),
    ],
)  # fmt: skip
def test_an_empty_word_is_a_mistake(words: list[str], named: str) -> None:
    with pytest.raises(UsageError, match=f"^{named} is empty"):
        check_none_empty(words)


def test_words_that_are_not_empty_pass() -> None:
    check_none_empty([])
    check_none_empty(["model", "--attack=pgd:steps=5", "-o", "here", "--skip-broken", "pgd:steps="])
