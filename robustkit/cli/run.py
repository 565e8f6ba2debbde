"""Run the command line: every error becomes one sentence and an exit code, with a traceback only on request."""

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

#: Exit codes allowed for errors: neither success nor a failed gate.
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
        _say("interrupted; run the same command again to resume")
    if pipe.failure is not None and pipe.failure.errno != errno.EPIPE:  # a reader that closes the pipe is not an error
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
        if error.format_message():  # otherwise the command line was empty and the help was shown
            _say(f"{error.format_message()} (see robustkit --help)")
        return ExitCode.USAGE
    except (KeyboardInterrupt, Abort):
        return ExitCode.INTERRUPTED
    except NotFinishedError as error:
        return _unfinished(error.__cause__ or error)
    except BaseException as error:
        return _unfinished(error)
    if isinstance(outcome, Finished):
        return outcome.code
    # Exits of the parser itself: 0 for help and version, or Ctrl-C during parsing.
    return ExitCode.INTERRUPTED if outcome == ExitCode.INTERRUPTED else ExitCode.PASSED


def _unfinished(error: BaseException) -> ExitCode:
    """Report the error that ended a command; return the exit code."""
    if isinstance(error, SystemExit | Exit):
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{last.filename}, line {last.lineno}"
        _say(f"the command did not finish: sys.exit or similar was called in {where}")
        return ExitCode.INCOMPLETE
    if isinstance(error, OSError) and error.filename is not None and error.errno in (errno.ENAMETOOLONG, errno.ELOOP):
        _say(f"{one_line(error.filename, 80)!r} cannot be used: {error.strerror}")
        return ExitCode.USAGE
    kind = "out of memory" if isinstance(error, MemoryError) else type(error).__name__
    message = f"{kind}: {error}" if str(error) else kind
    _say(f"the command did not finish: {one_line(message)} ({_traceback(error)})")
    return ExitCode.INCOMPLETE


def _traceback(error: BaseException) -> str:
    """Print or save a traceback; return a phrase that says where it is."""
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
    """Print a warning as one line, because its text may be untrusted."""
    with suppress(OSError):
        print(one_line(f"{filename}:{lineno}: {category.__name__}: {message}", 1000), file=file or sys.stderr, flush=True)


def _say(sentence: str) -> None:
    with suppress(OSError):  # stderr is closed
        print(f"robustkit: {one_line(sentence, 4000)}", file=sys.stderr, flush=True)
