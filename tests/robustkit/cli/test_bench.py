"""robustkit bench from the command line: a table, bench.json, a plot, an exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from robustkit.cli.bench import CASES
from robustkit.cli.commands import app
from robustkit.errors import UsageError


def test_a_bench_leaves_json_and_plots(tmp_path: Path) -> None:
    options = ["--limit", "20", "--repeats", "1", "--no-peers", "--attacks", "fgsm", "--attacks", "noise:steps=1"]
    done = CliRunner().invoke(app, ["bench", *options, "-o", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "robust" in done.stdout
    assert "fgsm" in done.stdout
    saved = json.loads((tmp_path / "bench.json").read_text())
    assert saved["case"] == "attacks"
    assert (saved["model"], saved["n"], saved["threat"]) == ("builtin/fashion-standard", 20, "linf:0.1")
    assert {"robust_accuracy", "forwards", "backwards", "seconds", "ratio_to_raw", "cost"} <= saved["entries"][0].keys()
    assert {"cpus", "threads", "versions"} <= saved["environment"].keys()
    assert "| fgsm |" in (tmp_path / "bench.md").read_text()
    assert (tmp_path / "bench.svg").read_text().count("noise:steps=1") == 1
    assert (tmp_path / "bench.png").stat().st_size > 1000


def test_no_figure_is_cut_in_a_narrow_terminal(tmp_path: Path) -> None:
    options = ["--limit", "2", "--repeats", "1", "--no-peers", "--attacks", "fmn:steps=5", "--attacks", "suite:quick"]
    done = CliRunner().invoke(app, ["bench", *options, "-o", str(tmp_path)], env={"COLUMNS": "30"})
    assert done.exit_code == 0, done.output
    assert "…" not in done.stdout
    assert "suite:quick" in done.stdout


@pytest.mark.parametrize(
    "options",
    [
        ["--case", "pdg"],
        *(["m", "--case", case] for case in CASES[1:] if case != "search"),
        ["--case", "search", "--attacks", "fgsm"],
        ["--case", "protocols"],
        ["--case", "pgd", "--autoattack", "somewhere"],
        ["--case", "protocols", "--autoattack", "somewhere", "--adversarial-library", "somewhere"],
        ["--no-peers", "--autoattack", "somewhere"],
        ["--limit", "2", "--attacks", "suite:nothing"],
        ["--limit", "2", "--attacks", "suite:quick,early"],
        ["--limit", "2", "--attacks", "suite:standard", "--autoattack", "nowhere"],
    ],
)
def test_what_cannot_be_meant_is_refused(options: list[str], tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["bench", *options, "-o", str(tmp_path)])
    assert isinstance(done.exception, UsageError)
    assert not list(tmp_path.iterdir())
