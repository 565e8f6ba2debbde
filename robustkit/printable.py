"""Untrusted text, made safe to show in a terminal or a document."""

from __future__ import annotations

import unicodedata

_UNSAFE = ("Cc", "Cf", "Cs")


def printable(text: object, most: int = 2000) -> str:
    """The text without control characters or direction overrides, cut to `most` characters; line breaks and tabs stay."""
    shown = str(text)
    cut = shown[:most] + "…" if len(shown) > most else shown
    if cut.isprintable():
        return cut
    return "".join(c if c in "\n\t" or unicodedata.category(c) not in _UNSAFE else "\N{REPLACEMENT CHARACTER}" for c in cut)


def one_line(text: object, most: int = 400) -> str:
    """The `printable` text with line breaks and runs of white space replaced by single spaces."""
    shown = str(text)
    return printable(shown if shown.isprintable() else " ".join(shown.split()), most)
