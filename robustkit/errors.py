"""Errors a user can mend, each tied to the exit code that the command line answers with."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import IntEnum


class ExitCode(IntEnum):
    """What a command tells the shell. `worst` orders them when several hold."""

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
        """The code that is reported when several hold: 6, 2, 1, 3, 4, 5, 7, then 0."""
        order = [ExitCode(c) for c in (130, 6, 2, 1, 3, 4, 5, 7, 0)]
        return min(codes, key=order.index, default=ExitCode.PASSED)


class RobustkitError(Exception):
    """One clear sentence for the user: the value, what was expected, and the fix."""

    exit_code: ExitCode = ExitCode.USAGE


class UsageError(RobustkitError, ValueError):
    """A value the user gave cannot be used."""


class UnsafeFileError(RobustkitError):
    """A file that would run code when loaded was refused."""

    exit_code = ExitCode.UNSAFE_FILE


class AttackError(RobustkitError):
    """An attack crashed or the model returned something that is not a prediction."""

    exit_code = ExitCode.INCOMPLETE


class UnfinishedError(RobustkitError):
    """A run that is not complete was to be judged."""

    exit_code = ExitCode.INCOMPLETE


class EvidenceError(RobustkitError):
    """What a run folder holds cannot be believed."""

    exit_code = ExitCode.UNTRUSTED


class NothingEvaluatedError(RobustkitError):
    """There was nothing to evaluate."""

    exit_code = ExitCode.NOTHING_EVALUATED


def brief(value: object, most: int = 80) -> str:
    """A value as a message shows it: printable, and cut in the middle if it is long."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # thousands of digits, or of brackets
        return f"a {type(value).__name__} too long to show"
    return text if len(text) <= most else f"{text[: most // 2]}…{text[-most // 4 :]}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint for a mistyped name: the closest known ones, else all of them (at most a dozen)."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if close:
        return f"did you mean {' or '.join(repr(c) for c in close)}?"
    if not names:
        return "none is registered."
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return f"known: {shown}."


def first_line(error: BaseException) -> str:
    """The first line of an error's text that says something, else its kind."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def what_happened(error: BaseException) -> str:
    """An error of a plugin's code as a clause: ``raised KeyError: 'x'``, or that it ended the program."""
    if isinstance(error, SystemExit):
        return f"it ended the program (sys.exit({error.code!r}))"
    return f"raised {type(error).__name__}: {error}"
