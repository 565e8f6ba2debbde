"""The entry point `robustkit COMMAND`. Results go to stdout, progress to stderr."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from robustkit.allocator import keep_freed_memory
from robustkit.cli.supervise import supervise


def main() -> NoReturn:
    """Run the command line and exit with its code.

    A command runs in a child process, because a model, data or a plugin may end the process that runs them.
    """
    _open_standard_streams()
    sys.exit(_run() if _asks_for_help(sys.argv[1:]) or not hasattr(os, "fork") else supervise(_run))


def _run() -> int:
    from robustkit.cli.run import run

    keep_freed_memory()
    return run()


def _asks_for_help(words: list[str]) -> bool:
    """Whether the command line asks only for help or the version, which runs no third-party code."""
    return not words or (words[-1] in ("--help", "--version") and not any(word.startswith("-") for word in words[:-1]))


def _open_standard_streams() -> None:
    """Redirect closed standard streams to the null device, so that no other file gets their descriptors."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115
