"""A command as it runs: its results are kept apart from what a model prints, and only its return is an end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from typer.core import TyperCommand

from robustkit.cli import results
from robustkit.errors import ExitCode, RobustkitError


@dataclass(frozen=True)
class Finished:
    """A command that came to its end, with its exit code."""

    code: ExitCode


class NotFinishedError(Exception):
    """A command that something else than a mistake of the user's ended: `__cause__` says what."""


class Command(TyperCommand):
    """A command whose function returns an exit code, or None for 0.

    A code that is raised does not count: a model's `sys.exit(0)` is no verdict.
    """

    def invoke(self, ctx: Any) -> Any:
        with results.apart():
            try:
                return Finished(ExitCode(super().invoke(ctx) or 0))
            except (KeyboardInterrupt, RobustkitError):
                raise
            except BaseException as error:
                raise NotFinishedError from error
