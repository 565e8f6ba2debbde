"""Run the command line to its exit code: one sentence for whatever goes wrong, and no traceback unless asked for."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
import traceback
import warnings
from contextlib import suppress
from typing import TextIO

from typer.exceptions import Abort, Exit, TyperException

from robustkit.cli import results
from robustkit.cli.command import Finished, NotFinishedError
from robustkit.errors import ExitCode, RobustkitError
from robustkit.printable import one_line

#: What an error may end in: neither success nor a failed gate.
_ERRORS = (ExitCode.USAGE, ExitCode.INCOMPLETE, ExitCode.UNTRUSTED, ExitCode.UNSAFE_FILE, ExitCode.NOTHING_EVALUATED)


def run() -> int:
    """The exit code of the command that `sys.argv` names."""
    pipe = results.take_stdout()
    out: TextIO = sys.stdout
    warnings.showwarning = _warn
    try:
        code = _answer()
        out.flush()
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
    if code == ExitCode.INTERRUPTED:
        _say("interrupted; the same command again resumes")
    if pipe.failure is not None and pipe.failure.errno != errno.EPIPE:  # a reader that has seen enough is no failure
        _say(f"the results could not be written to stdout: {pipe.failure.strerror}")
        code = ExitCode.worst([code, ExitCode.INCOMPLETE])
    return int(code)


def _answer() -> ExitCode:
    from robustkit.cli.commands import app

    try:
        outcome = app(prog_name="robustkit", standalone_mode=False)
    except RobustkitError as error:
        _say(str(error))
        return error.exit_code if error.exit_code in _ERRORS else ExitCode.INCOMPLETE
    except TyperException as error:
        if error.format_message():  # else the help was shown, for the command line was empty
            _say(f"{error.format_message()} (robustkit --help shows what there is)")
        return ExitCode.USAGE
    except (KeyboardInterrupt, Abort):
        return ExitCode.INTERRUPTED
    except NotFinishedError as error:
        return _unfinished(error.__cause__ or error)
    except BaseException as error:
        return _unfinished(error)
    if isinstance(outcome, Finished):
        return outcome.code
    # Exits of the command line's own: help and version with 0, Ctrl-C while it was read.
    return ExitCode.INTERRUPTED if outcome == ExitCode.INTERRUPTED else ExitCode.PASSED


def _unfinished(error: BaseException) -> ExitCode:
    """Say what ended a command that was not through."""
    if isinstance(error, SystemExit | Exit):
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{last.filename}, line {last.lineno}"
        _say(f"the command did not finish: it was ended by sys.exit or the like in {where}")
        return ExitCode.INCOMPLETE
    if isinstance(error, OSError) and error.filename is not None and error.errno in (errno.ENAMETOOLONG, errno.ELOOP):
        _say(f"{one_line(error.filename, 80)!r} cannot be used: {error.strerror}")
        return ExitCode.USAGE
    kind = "out of memory" if isinstance(error, MemoryError) else type(error).__name__
    message = f"{kind}: {error}" if str(error) else kind
    _say(f"the command did not finish: {one_line(message)} ({_traceback(error)})")
    return ExitCode.INCOMPLETE


def _traceback(error: BaseException) -> str:
    """Show or keep a traceback; the words that say where."""
    lines = traceback.format_exception(error)
    if os.environ.get("ROBUSTKIT_TRACEBACK") == "1":
        sys.stderr.writelines(lines)
        return "traceback above"
    try:
        with tempfile.NamedTemporaryFile("w", prefix="robustkit-", suffix=".txt", delete=False, errors="replace") as file:
            file.writelines(lines)
    except OSError:
        return "ROBUSTKIT_TRACEBACK=1 shows the traceback"
    return f"traceback in {file.name}"


def _warn(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """A warning in one line, for its words may be a stranger's."""
    with suppress(OSError):
        print(one_line(f"{filename}:{lineno}: {category.__name__}: {message}", 1000), file=file or sys.stderr, flush=True)


def _say(sentence: str) -> None:
    with suppress(OSError):  # the reader is gone
        print(f"robustkit: {one_line(sentence, 4000)}", file=sys.stderr, flush=True)
