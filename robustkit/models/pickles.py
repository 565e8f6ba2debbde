"""Static inspection of the calls in a pickle."""

from __future__ import annotations

import io
import pickletools
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from torch import _weights_only_unpickler
from torch.serialization import get_safe_globals

_STRINGS = {"SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE", "STRING", "BINSTRING", "SHORT_BINSTRING"}
_PUT, _GET = {"PUT", "BINPUT", "LONG_BINPUT"}, {"GET", "BINGET", "LONG_BINGET"}
_CALLS = {"REDUCE", "NEWOBJ", "NEWOBJ_EX", "OBJ", "BUILD"}
#: A legacy torch file has five pickles: magic number, version, system sizes, object, storage names.
_LEGACY_PICKLES = 5


def unsafe_name(path: Path, entry: zipfile.ZipInfo | None = None) -> str | None:
    """The first name that unpickling would look up and that weights do not need; None if there is none.

    A truncated pickle is inspected as far as it goes.

    Parameters
    ----------
    path
        A file of one or several pickles, or a zip archive.
    entry
        The pickle inside the archive.
    """
    try:
        if entry is None:
            with path.open("rb") as file:
                marked = file.peek(1)[:1] == b"\x80"  # without this marker it may be any text, unless it calls something
                return _first_unsafe(file, _LEGACY_PICKLES, only_called=not marked)
        with zipfile.ZipFile(path) as archive:
            return _first_unsafe(io.BytesIO(archive.read(entry)), 1, only_called=False)
    except (OSError, zipfile.BadZipFile, RuntimeError, ValueError, EOFError, OverflowError):
        return None


def _first_unsafe(file: IO[bytes], pickles: int, *, only_called: bool) -> str | None:
    safe = {*_weights_only_unpickler._get_allowed_globals(), *map(_name_of, get_safe_globals())}
    found: str | None = None
    try:
        for _ in range(pickles):
            for called, name in _names(file):
                if found is None and name is not None and name not in safe:
                    found = name
                if found is not None and (called or not only_called):
                    return found
    except (ValueError, EOFError, IndexError, OverflowError, MemoryError):
        pass
    return None


def _names(file: IO[bytes]) -> Iterator[tuple[bool, str | None]]:
    """For every instruction, whether it calls something and the dotted name it looks up, if any."""
    memo: dict[Any, str | None] = {}
    pushed: list[str | None] = [None, None]
    for op, value, _ in pickletools.genops(file):
        name = None
        if op.name in ("GLOBAL", "INST"):
            name = _dotted(*str(value).rpartition(" ")[::2])
        elif op.name == "STACK_GLOBAL":
            name = _dotted(pushed[-2] or "?", pushed[-1] or "?")
        elif op.name.startswith("EXT"):
            name = f"extension {value}"
        elif op.name == "MEMOIZE":
            memo[len(memo)] = pushed[-1]
            continue
        elif op.name in _PUT:
            memo[value] = pushed[-1]
            continue
        text = value if op.name in _STRINGS else memo.get(value) if op.name in _GET else None
        pushed = [pushed[-1], text if isinstance(text, str) else None]
        yield op.name in _CALLS or op.name == "INST", name


def _dotted(module: str, name: str) -> str | None:
    """The dotted name; None if it is not a valid name, as in a text file that happens to start like a pickle."""
    parts = [*module.split("."), *name.split(".")]
    return f"{module}.{name}" if all(part.isidentifier() or part == "?" for part in parts) else None


def _name_of(allowed: Any) -> str:
    if isinstance(allowed, tuple):
        return str(allowed[1])
    return f"{getattr(allowed, '__module__', '')}.{getattr(allowed, '__qualname__', '')}"
