"""report and gate judge a run that is there: by what was required, or by a threshold of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from robustkit.cli.commands import app
from robustkit.errors import UsageError


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What a run was judged by; the summary has exit code 5."""
    seen: list[Any] = []

    def judge(folder: Path, min_robust: float | None, say: Any) -> Any:
        seen.extend([folder, min_robust])
        say("the verdict is from the records")
        return type("Summary", (), {"exit_code": 5})()

    monkeypatch.setattr("robustkit.benchmarks.verdict.judge_run", judge)
    monkeypatch.setattr("robustkit.benchmarks.report.text.terminal", lambda summary, report: f"the verdict, and {report}")
    return seen


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(words), standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return int(done.return_value.code), done.stdout


def test_a_gate_judges_by_its_threshold_and_a_report_by_what_was_required(judged: list[Any]) -> None:
    code, said = run("gate", "runs/a", "--min-robust", "0.5")
    assert (code, judged) == (5, [Path("runs/a"), 0.5])
    assert "the verdict, and runs/a/report.html" in said.replace("\n", "")
    judged.clear()
    assert run("report", "runs/a")[0] == 5
    assert judged == [Path("runs/a"), None]


def test_a_gate_needs_a_threshold_that_is_a_share(judged: list[Any]) -> None:
    with pytest.raises(UsageError, match=r"a gate needs a threshold: give --min-robust, such as 0\.5"):
        run("gate", "runs/a")
    with pytest.raises(UsageError, match=r"--min-robust 50 must be a number between 0 and 1"):
        run("gate", "runs/a", "--min-robust", "50")
    assert run("gate", "runs/a", "--min-robust", "0")[0] == 5
    assert judged == [Path("runs/a"), 0.0]
