"""Where results go: stdout, which holds nothing else, and which may speak another encoding or fail."""

from __future__ import annotations

import codecs
import io
import os
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from robustkit.printable import one_line, printable

if TYPE_CHECKING:
    from rich.console import Console

_stream: TextIO | None = None


def stream() -> TextIO:
    """Where a command writes its results."""
    return _stream or sys.stdout


def say(line: str = "") -> None:
    """Write results, a line or several. They may hold what strangers worded."""
    print(printable(line, 100_000), file=stream(), flush=True)


def note(sentence: str) -> None:
    """Write a line about the work to stderr. It may hold what strangers worded."""
    print(one_line(sentence, 4000), file=sys.stderr, flush=True)


def console(width: int | None = None) -> Console:
    """A rich console on the results."""
    from rich.console import Console

    return Console(file=stream(), width=width)


@contextmanager
def apart() -> Iterator[None]:
    """Inside, stdout is the results' alone: what anybody else prints goes to stderr."""
    global _stream
    before, outside = _stream, sys.stdout
    _stream, sys.stdout = sys.stdout, sys.stderr
    try:
        yield
    finally:
        _stream, sys.stdout = before, outside


class Pipe(io.FileIO):
    """A file that keeps its first failure in `failure` in place of raising it: a command does not end half-way for it."""

    failure: OSError | None = None

    def write(self, data: object) -> int:
        if self.failure is None:
            try:
                return super().write(data)  # type: ignore[arg-type]
            except OSError as error:
                self.failure = error
        return len(data)  # type: ignore[arg-type]


def take_stdout() -> Pipe:
    """Make `sys.stdout` a stream that encodes and fails gently, and lead file descriptor 1 to stderr.

    Compiled code writes to the descriptor, whatever `sys.stdout` is.
    """
    codecs.register_error("robustkit.degrade", _degrade)
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    if sys.stdout is not None:
        sys.stdout.flush()
    pipe = Pipe(os.dup(1), "w")
    os.dup2(2, 1)
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(pipe), encoding=encoding, errors="robustkit.degrade", line_buffering=pipe.isatty()
    )
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(errors="robustkit.degrade")
    return pipe


_PLAIN = {"–": "-", "—": "-", "×": "x", "·": "-", "✓": "+", "✕": "x", "▲": "!", "●": "*", "◕": "~", "○": "o"}


def _degrade(error: UnicodeError) -> tuple[str, int]:
    """What stands for text that an encoding does not have: something close in ASCII, else a question mark."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    shown = []
    for character in error.object[error.start : error.end]:
        close = _PLAIN.get(character) or unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
        shown.append(close or "?")
    return "".join(shown), error.end
