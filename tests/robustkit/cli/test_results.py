"""Results are alone on stdout, and a stream that fails is noticed without ending the command."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from robustkit.cli import results


def test_inside_stdout_is_the_results_alone(capsys: pytest.CaptureFixture[str]) -> None:
    outside = sys.stdout
    with results.apart():
        print("a model")
        results.say("a result")
        results.console(40).print("a table")
        with results.apart():
            print("a helper")
            results.say("another")
    assert sys.stdout is outside
    out, err = capsys.readouterr()
    assert out.split("\n")[:2] == ["a result", "a table"]
    assert err == "a model\na helper\nanother\n"  # a second time inside, stdout is stderr already


def test_stdout_comes_back_after_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    outside = sys.stdout
    with pytest.raises(RuntimeError), results.apart():
        raise RuntimeError
    assert sys.stdout is outside
    results.say("after")
    assert capsys.readouterr().out == "after\n"


def test_results_keep_their_lines_and_notes_are_one(capsys: pytest.CaptureFixture[str]) -> None:
    results.say("one\ntwo\x1b[2J")
    results.note("three\nfour\x1b[2J" + "x" * 10_000)
    out, err = capsys.readouterr()
    assert out == "one\ntwo\ufffd[2J\n"
    assert err.startswith("three four\ufffd[2Jxxx")
    assert err.count("\n") == 1
    assert len(err) < 4100


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_a_pipe_keeps_its_first_failure_and_takes_the_rest() -> None:
    with results.Pipe("/dev/full", "w") as pipe:
        assert pipe.write(b"abc") == 3
        first = pipe.failure
        assert isinstance(first, OSError)
        assert pipe.write(b"defg") == 4
        assert pipe.failure is first


def test_a_pipe_that_works_writes(tmp_path: Path) -> None:
    with results.Pipe(os.fspath(tmp_path / "out"), "w") as pipe:
        pipe.write(b"abc")
        assert pipe.failure is None
    assert (tmp_path / "out").read_bytes() == b"abc"
