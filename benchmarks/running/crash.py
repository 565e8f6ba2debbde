"""Crashes of a model or an attack, as opposed to user errors."""

from __future__ import annotations

from robustkit.errors import ExitCode, RobustkitError


def is_crash(error: Exception) -> bool:
    """Whether an error is a crash of a model or an attack, not a user error."""
    return not isinstance(error, RobustkitError) or error.exit_code == ExitCode.INCOMPLETE


def sentence_of(error: Exception) -> str:
    """The crash as a line for the records: the error's type and the first line of its message."""
    message = str(error).strip().splitlines()
    return f"{type(error).__name__}: {message[0] if message else 'no message'}"
