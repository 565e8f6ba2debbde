"""Output of results to stdout, which contains nothing else and may have any encoding or fail."""

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
    """The stream of a command's results."""
    return _stream or sys.stdout


def say(line: str = "") -> None:
    """Write one or more lines of results, with untrusted text made printable."""
    print(printable(line, 100_000), file=stream(), flush=True)


def note(sentence: str) -> None:
    """Write a progress message to stderr as one line, with untrusted text made printable."""
    print(one_line(sentence, 4000), file=sys.stderr, flush=True)


def console(width: int | None = None) -> Console:
    """A rich console that writes results."""
    from rich.console import Console

    return Console(file=stream(), width=width)


@contextmanager
def apart() -> Iterator[None]:
    """Reserve stdout for results: inside, all other output goes to stderr."""
    global _stream
    before, outside = _stream, sys.stdout
    _stream, sys.stdout = sys.stdout, sys.stderr
    try:
        yield
    finally:
        _stream, sys.stdout = before, outside


class Pipe(io.FileIO):
    """A file that stores its first write error in `failure` instead of raising it, so that the command can finish."""

    failure: OSError | None = None

    def write(self, data: object) -> int:
        if self.failure is None:
            try:
                return super().write(data)  # type: ignore[arg-type]
            except OSError as error:
                self.failure = error
        return len(data)  # type: ignore[arg-type]


def take_stdout() -> Pipe:
    """Make `sys.stdout` a stream that does not raise on encoding or write errors, and redirect descriptor 1 to stderr.

    Compiled code writes to the descriptor regardless of `sys.stdout`.
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
    """The replacement for text that an encoding lacks: similar ASCII text, or a question mark."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    shown = []
    for character in error.object[error.start : error.end]:
        close = _PLAIN.get(character) or unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
        shown.append(close or "?")
    return "".join(shown), error.end
