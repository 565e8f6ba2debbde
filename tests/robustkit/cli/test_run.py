"""The front door with a command that costs nothing: what ends in which code, and what is written where."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FRONT = """
import os, sys
import typer
from robustkit.cli import results
from robustkit.cli.command import Command
from robustkit.cli.commands import app
from robustkit.cli.main import main
from robustkit.errors import ExitCode, RobustkitError, UsageError

def probe():
    {}

app.command("probe", cls=Command)(probe)
main()
"""


def probe(body: str, *, stdout: int = subprocess.PIPE, **environment: str) -> tuple[int, str, str]:
    body = body.replace("\n", "\n    ")
    done = subprocess.run(
        [sys.executable, "-c", FRONT.format(body), "probe"],
        stdout=stdout,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
        check=False,
    )
    return done.returncode, (done.stdout or b"").decode(errors="replace"), done.stderr.decode()


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        ("return 4", 4, ""),
        ("sys.exit(0)", 3, "<string>, line"),
        ("raise typer.Exit(0)", 3, "<string>, line"),
        ("raise typer.Abort", 3, "Abort"),
        ("raise UsageError('no\\x1b[31m\\nsuch')", 2, "robustkit: no\ufffd[31m such\n"),
        ("raise RuntimeError('a\\nb\\x1b')", 3, "RuntimeError: a b\ufffd (traceback in "),
        ("raise BrokenPipeError(32, 'broken')", 3, "BrokenPipeError"),
        ("raise MemoryError", 3, "out of memory"),
        ("def f(): f()\nf()", 3, "RecursionError"),
        ("class Weak(RobustkitError): exit_code = ExitCode.UNTRUSTED\nraise Weak('weak')", 4, "weak"),
        ("class Fine(RobustkitError): exit_code = ExitCode.PASSED\nraise Fine('fine')", 3, "fine"),
        ("class Fine(RobustkitError): exit_code = ExitCode.GATE_FAILED\nraise Fine('fine')", 3, "fine"),
        ("raise BaseException('odd')", 3, "odd"),
        ("return 99", 3, "99"),
        ("open('x' * 5000)", 2, "too long"),
    ],
)
def test_one_sentence_and_the_code_it_deserves(body: str, code: int, says: str, tmp_path: Path) -> None:
    found, out, err = probe(body, TMPDIR=str(tmp_path))
    assert found == code, err
    assert says in err
    assert err.count("\n") == (body != "return 4")
    assert out == ""


def test_no_ones_words_steer_the_terminal() -> None:
    body = (
        "import warnings\nwarnings.warn('w\\x1b[2J\\nv', stacklevel=1)\nresults.say('r\\x1b[2J')\nresults.note('n\\u202e\\nm')"
    )
    code, out, err = probe(body)
    assert (code, out) == (0, "r\ufffd[2J\n")
    warning, note = err.splitlines()
    assert warning.endswith("UserWarning: w\ufffd[2J v")
    assert note == "n\ufffd m"


def test_a_traceback_is_shown_when_asked_for() -> None:
    code, _, err = probe("raise RuntimeError('broken')", ROBUSTKIT_TRACEBACK="1")
    assert code == 3
    assert err.startswith("Traceback")
    assert err.endswith("RuntimeError: broken (traceback above)\n")


def test_results_are_alone_on_stdout() -> None:
    code, out, err = probe(
        "print('model')\nos.system('echo shell')\nos.write(1, b'compiled\\n')\nresults.say('result')\nprint('late')"
    )
    assert (code, out) == (0, "result\n")
    assert set(err.split()) == {"model", "shell", "compiled", "late"}


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_another_encoding_changes_no_code(encoding: str) -> None:
    code, out, err = probe("results.say('✓ Passed 47.2\\u00a0% — 日本')\nreturn 5", PYTHONIOENCODING=encoding)
    assert (code, err) == (5, "")
    assert out.startswith("+ Passed 47.2")
    assert out.endswith("??\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_results_that_cannot_be_written_are_no_success() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        code, _, err = probe("results.say('passed')", stdout=full)
        assert code == 3
        assert "could not be written" in err
        code, _, err = probe("results.say('failed')\nreturn 1", stdout=full)
        assert code == 1
    finally:
        os.close(full)


def test_a_reader_that_has_seen_enough_changes_no_code() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        code, _, err = probe("for _ in range(100): results.say('x' * 1000)\nreturn 5", stdout=writing)
        assert (code, err) == (5, "")
    finally:
        os.close(writing)


def test_closed_streams() -> None:
    body = FRONT.format("results.say('x')\nprint('y', file=sys.stderr)\n    return 5".replace("\nprint", "\n    print"))
    done = subprocess.run(["sh", "-c", 'exec "$0" -c "$1" probe >&- 2>&- <&-', sys.executable, body], check=False)
    assert done.returncode == 5
