"""A failure of a model or an attack, as against a value of the user's that cannot be used."""

from __future__ import annotations

from robustkit.errors import ExitCode, RobustkitError


def is_crash(error: Exception) -> bool:
    """Whether an error is a failure of model or attack, and not a value of the user's that cannot be used."""
    return not isinstance(error, RobustkitError) or error.exit_code == ExitCode.INCOMPLETE


def sentence_of(error: Exception) -> str:
    """What a crash is called in records: the kind of error and the first line of its message."""
    message = str(error).strip().splitlines()
    return f"{type(error).__name__}: {message[0] if message else 'no message'}"
