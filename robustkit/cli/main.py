"""The front door: `robustkit COMMAND`. Results go to stdout, progress to stderr, and the exit code says how it went."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from robustkit.allocator import keep_freed_memory
from robustkit.cli.supervise import supervise


def main() -> NoReturn:
    """Run the command line and exit with its code.

    A command runs in a child process of its own, for a model, data or a plugin may end the process that runs them.
    """
    _open_standard_streams()
    sys.exit(_run() if _asks_for_help(sys.argv[1:]) or not hasattr(os, "fork") else supervise(_run))


def _run() -> int:
    from robustkit.cli.run import run

    keep_freed_memory()
    return run()


def _asks_for_help(words: list[str]) -> bool:
    """Whether nothing but a help text or the version is wanted, so that no code but ours runs."""
    return not words or (words[-1] in ("--help", "--version") and not any(word.startswith("-") for word in words[:-1]))


def _open_standard_streams() -> None:
    """Standard streams that the caller closed lead to the null device, so that no other file gets their numbers."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115
