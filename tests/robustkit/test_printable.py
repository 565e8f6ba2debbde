"""Strangers' words in a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robustkit.printable import one_line, printable


@pytest.mark.parametrize("text", ["\x1b[31mred", "a\u202eb", "a\x00b", "a\udc80b", "a\x9bb", "a\u2066b"])
def test_nothing_that_steers_a_terminal(text: str) -> None:
    assert one_line(text).isprintable()
    assert "\ufffd" in printable(text)


def test_a_line_is_a_line() -> None:
    assert one_line("a\nb\r\n  c\u2028d") == "a b c d"
    assert printable("a\nb") == "a\nb"
    assert one_line("x" * 500) == "x" * 400 + "…"


@given(st.text())
def test_printable_holds_no_control_character_and_is_short(text):
    shown = printable(text, 50)
    assert len(shown) <= 51
    assert all(c in "\n\t" or c.isprintable() or c.isspace() for c in shown) or not shown.isascii()
    assert "\x1b" not in shown
    assert "\x00" not in shown
