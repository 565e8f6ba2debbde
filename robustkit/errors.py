"""Errors that users can fix, each with its exit code, and helpers for their messages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of the command line. `worst` picks one when several apply."""

    PASSED = 0
    GATE_FAILED = 1
    USAGE = 2
    INCOMPLETE = 3
    UNTRUSTED = 4
    INCONCLUSIVE = 5
    UNSAFE_FILE = 6
    NOTHING_EVALUATED = 7
    INTERRUPTED = 130

    @staticmethod
    def worst(codes: Iterable[ExitCode]) -> ExitCode:
        """The code reported when several apply: the first of 130, 6, 2, 1, 3, 4, 5, 7, 0."""
        order = [ExitCode(c) for c in (130, 6, 2, 1, 3, 4, 5, 7, 0)]
        return min(codes, key=order.index, default=ExitCode.PASSED)


class RobustkitError(Exception):
    """One clear sentence for the user: the value, what was expected, and the fix."""

    exit_code: ExitCode = ExitCode.USAGE


class UsageError(RobustkitError, ValueError):
    """A value given by the user is invalid."""


class UnsafeFileError(RobustkitError):
    """A file that would run code when loaded was refused."""

    exit_code = ExitCode.UNSAFE_FILE


class AttackError(RobustkitError):
    """An attack crashed or the model returned something that is not a prediction."""

    exit_code = ExitCode.INCOMPLETE


class UnfinishedError(RobustkitError):
    """An incomplete run cannot be judged."""

    exit_code = ExitCode.INCOMPLETE


class EvidenceError(RobustkitError):
    """The contents of a run folder cannot be trusted."""

    exit_code = ExitCode.UNTRUSTED


class NothingEvaluatedError(RobustkitError):
    """There was nothing to evaluate."""

    exit_code = ExitCode.NOTHING_EVALUATED


def brief(value: object, most: int = 80) -> str:
    """A value for a message: its repr, shortened in the middle if it is long."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # thousands of digits or of nested brackets
        return f"a {type(value).__name__} too long to show"
    return text if len(text) <= most else f"{text[: most // 2]}…{text[-most // 4 :]}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint for a mistyped name: the closest known names, else all of them (at most 12)."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if close:
        return f"did you mean {' or '.join(repr(c) for c in close)}?"
    if not names:
        return "none is registered."
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return f"known: {shown}."


def first_line(error: BaseException) -> str:
    """The first non-empty line of an error's text, else its type."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def what_happened(error: BaseException) -> str:
    """An error of a plugin's code as a clause: ``raised KeyError: 'x'``, or that it exited the program."""
    if isinstance(error, SystemExit):
        return f"it ended the program (sys.exit({error.code!r}))"
    return f"raised {type(error).__name__}: {error}"
