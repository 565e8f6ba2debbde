"""Texts and documents a little or far beside what is expected, made from valid ones."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

#: What has stopped a parser somewhere: numbers without end, brackets without end, names that no file system has.
ODD = [
    "", " ", ",", "=", ":", "/", "%", "\n", "\x00", "\x1b[31m", "\u202e", "\udc80\udcff", "\ud800", "é", "٣",
    "nan", "inf", "-inf", "-1", "0", "-0.0", "1e309", "1e1000000000", "1e-1000000000", "1/0", "0/0", "8/255", "1e999/1e999", "5%%",
    "9" * 19, "9" * 5000, "0x" + "f" * 5000, "1" + "_1" * 300, "18446744073709551616", "-9223372036854775809",
    "-" * 5000, "[" * 5000, "(" * 300, "{[]:1}", "{}", "[]", "[1,2]", "b'x'", "'", '"""', "None", "true", "lambda: 0", "1if 1else 2",
    "a" * 5000, "~nouser", "~", ".", "..", "\\", "'\\d'", "x=", "=x", "targeted", "+", "surrogate",
]  # fmt: skip

odd = st.sampled_from(ODD) | st.text(st.characters(exclude_categories=()), max_size=8)


@st.composite
def mutated(draw: Any, valid: list[str]) -> str:
    """One of the valid texts after a few cuts, insertions and repetitions."""
    text = draw(st.sampled_from(valid))
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 12)))
        text = text[:start] + draw(odd | st.just(text[start:end] * 2)) + text[end:]
    return text


scalars = (
    st.none() | st.booleans() | odd | st.integers() | st.floats() | st.sampled_from([10**400, -(2**63) - 1, 1e308, 17, 0.5])
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(odd, inner, max_size=3), max_leaves=6
)


def places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path to every node of a JSON document."""
    inner = document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    return [path, *(place for key, value in inner for place in places(value, (*path, key)))]


def changed(document: Any, path: tuple[Any, ...], value: Any, remove: bool) -> Any:
    """The document with one node replaced or left out."""
    if not path:
        return value
    key, *rest = path
    copy = dict(document) if isinstance(document, dict) else list(document)
    if remove and not rest:
        del copy[key]
    else:
        copy[key] = changed(copy[key], tuple(rest), value, remove)
    return copy


@st.composite
def documents(draw: Any, valid: Any) -> bytes:
    """The bytes of a JSON document with a few nodes replaced, or of one that is cut off or no JSON at all."""
    document = json.loads(json.dumps(valid))
    for _ in range(draw(st.integers(0, 3))):
        document = changed(document, draw(st.sampled_from(places(document))), draw(values), draw(st.booleans()))
    content = json.dumps(document).encode("utf-8", "surrogatepass")
    kind = draw(st.integers(0, 5))
    if kind == 0:
        return content[: draw(st.integers(0, len(content)))]
    if kind == 1:
        start = draw(st.integers(0, len(content)))
        return content[:start] + draw(odd).encode("utf-8", "surrogatepass") + content[start:]
    if kind == 2:
        return draw(st.sampled_from([b"[" * 3000, b'{"a":' * 3000, b"\xff\xfe", b"", b"null", b"0", b'""', b"[]", b"{}"]))
    return content
