"""The command line as a person meets it: results on stdout, one sentence for a mistake, and the exit code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from robustkit.benchmarks.running.run import Run
from robustkit.cli.audit import AuditOptions

ENTRY = "from robustkit.cli.main import main; main()"


def start(*words: str, cwd: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    return subprocess.Popen(
        [sys.executable, "-c", ENTRY, *words],
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def robustkit(*words: str, cwd: Path) -> tuple[int, str, str]:
    process = start(*words, cwd=cwd)
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


AUDIT = ("audit", "builtin/fashion-standard", "--threat", "linf:0.1", "--suite", "quick", "--limit", "60")


def test_help_does_not_import_torch(tmp_path: Path) -> None:
    code = "import sys\nsys.argv = ['robustkit', '--help']\nfrom robustkit.cli.main import main\ntry:\n    main()\nfinally:\n"
    code += "    print('torch' in sys.modules, 'numpy' in sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "audit" in done.stdout
    assert done.stderr.split() == ["False", "False"]


def test_a_failed_gate_is_exit_1_and_one_line_says_why(tmp_path: Path) -> None:
    code, out, _ = robustkit(*AUDIT, "--min-robust", "0.5", "-o", "run", cwd=tmp_path)
    assert code == 1
    assert "below the required 50.0 %" in " ".join(out.split())
    assert (tmp_path / "run" / "report.html").exists()
    code, out, _ = robustkit("report", "run", cwd=tmp_path)
    assert code == 1
    code, _, err = robustkit("gate", "run", cwd=tmp_path)
    assert code == 2
    assert "--min-robust" in err
    code, out, _ = robustkit("gate", "run", "--min-robust", "0.0", cwd=tmp_path)
    assert code == 0
    (tmp_path / "gate.toml").write_text('run = "run"\nmin-robust = 0.5\n')
    code, out, _ = robustkit("gate", "--config", "gate.toml", cwd=tmp_path)
    assert code == 1
    code, _, err = robustkit(*AUDIT, "--seed", "1", "-o", "run", cwd=tmp_path)
    assert code == 2
    assert "another configuration" in err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("audit", "builtin/fashion-robust", "--threat", "linf:8"), "8/255"),
        (("audit", "builtin/fashion-robust", "--threat", "linf:0.1", "--thret", "x"), "--thret"),
        (("attacks", "show", "pgdd"), "did you mean 'pgd'"),
        (("plugins", "check", "nobody"), "nobody"),
        (("report", "nothing-here"), "no finished run"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_2(words: tuple[str, ...], says: str, tmp_path: Path) -> None:
    code, _, err = robustkit(*words, cwd=tmp_path)
    assert says in err
    assert code == 2
    assert "Traceback" not in err
    assert len([line for line in err.splitlines() if line.startswith("robustkit:")]) == 1


def test_every_option_is_a_key_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "robustkit.toml").write_text(
        'model = "builtin/fashion-standard"\nthreat = ["linf:0.1"]\nsuite = "quick"\nlimit = 20\nmin-robust = 0.5\nout = "from-toml"\n'
    )
    code, _, _ = robustkit("audit", cwd=tmp_path)
    assert code == 1
    made = Run(tmp_path / "from-toml")
    assert made.report.data.n == 20
    options = AuditOptions.model_validate(made.settings()["options"])
    assert (options.limit, options.data, options.eot) == (20, "builtin/fashion", 1)
    (tmp_path / "robustkit.toml").write_text("limt = 20\n")
    code, _, err = robustkit("audit", cwd=tmp_path)
    assert code == 2
    assert "did you mean 'limit'" in err


def test_killed_and_run_again_is_as_if_nothing_happened(tmp_path: Path) -> None:
    words = (
        "audit",
        "builtin/fashion-robust",
        "--threat",
        "linf:0.1",
        "--limit",
        "96",
        "--attack",
        "noise",
        "--attack",
        "apgd-ce:steps=30",
    )
    code, _, _ = robustkit(*words, "-o", "whole", cwd=tmp_path)
    assert code == 0
    process = start(*words, "-o", "killed", cwd=tmp_path)
    deadline = time.monotonic() + 120
    while not list((tmp_path / "killed" / "records").glob("noise*/*.parquet")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (tmp_path / "killed" / "summary.json").exists()
    code, _, _ = robustkit(*words, "-o", "killed", cwd=tmp_path)
    assert code == 0

    def stable(run: str) -> dict[str, object]:
        found = Run(tmp_path / run).report.model_dump(exclude={"created", "run", "repeat"})
        for threat in found["threats"]:
            for attack in threat["attacks"]:
                attack.pop("seconds")
        return found

    assert stable("killed") == stable("whole")


def test_interrupted_is_130_and_resumes(tmp_path: Path) -> None:
    words = ("audit", "builtin/fashion-robust", "--threat", "linf:0.1", "--attack", "apgd-t", "-o", "run")
    process = start(*words, cwd=tmp_path)
    deadline = time.monotonic() + 120
    while not list((tmp_path / "run" / "records").glob("clean*/*.parquet")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "resume" in err
    assert "Traceback" not in err


def test_lists(tmp_path: Path) -> None:
    code, out, _ = robustkit("attacks", "list", cwd=tmp_path)
    assert code == 0
    assert "apgd-ce" in out
    assert "2003.01690" in out
    code, out, _ = robustkit("plugins", "list", cwd=tmp_path)
    assert "robustkit.attacks.gradient.pgd:PGD" in out


def test_the_module_is_the_command(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "robustkit", "--version"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_no_command_shows_the_help_and_no_empty_sentence(tmp_path: Path) -> None:
    code, out, err = robustkit(cwd=tmp_path)
    assert code == 2
    assert "Usage: robustkit" in out + err
    assert "robustkit: " not in out + err
