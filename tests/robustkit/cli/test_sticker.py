"""robustkit sticker from the command line: a run folder, sheets, a plan, scores, and one sentence for what is wrong."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from robustkit.cli.commands import app
from robustkit.errors import UsageError

QUICK = ["--steps", "2", "--repeats", "1", "--no-ablation", "--texels", "16", "--device", "cpu"]


def invoke(*words: object) -> Result:
    return CliRunner().invoke(app, ["sticker", *map(str, words)])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    """The demonstration with too few steps for success."""
    folder = tmp_path_factory.mktemp("cli") / "run"
    return invoke(*QUICK, "-o", folder), folder


def test_without_a_subcommand_the_demonstration_runs(made: tuple[Result, Path]) -> None:
    done, folder = made
    assert done.exception is None or isinstance(done.exception, SystemExit), done.output
    assert "beyond the best control" in done.stdout
    assert "illegal" in done.stdout
    assert "optimising" not in done.stdout  # progress is on stderr
    assert {"run.json", "summary.json", "report.html", "sticker.safetensors", "print"} <= {p.name for p in folder.iterdir()}
    assert (folder / "print" / "sticker.pdf").read_bytes().startswith(b"%PDF")
    assert (folder / "print" / "placement.pdf").is_file()


def test_a_plan_is_csv_on_stdout_or_in_a_file(made: tuple[Result, Path], tmp_path: Path) -> None:
    _, folder = made
    rows = list(csv.DictReader(io.StringIO(invoke("plan", folder, "--control", "white", "--light", "dusk").stdout)))
    assert {row["subject"] for row in rows} == {"clean", "sticker", "control:white"}
    assert {row["light"] for row in rows} == {"dusk"}
    done = invoke("plan", folder, "-o", tmp_path / "shots.csv")
    assert f"{len(rows)} shots" in done.stdout
    assert (tmp_path / "shots.csv").read_text().startswith("shot,file,subject")


def test_an_export_has_the_paper_and_controls_that_are_asked_for(made: tuple[Result, Path], tmp_path: Path) -> None:
    _, folder = made
    done = invoke("export", folder, "--paper", "A3", "--dpi", "72", "--control", "grey", "-o", tmp_path / "print")
    assert "pieces on" in done.stdout, done.output
    assert (tmp_path / "print" / "control-grey.pdf").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["optimise", "builtin/signs-cnn", "--sign", "stop", "--target", "sped limit 45"], "did you mean 'speed limit 45'"),
        (["optimise", "builtin/signs-cnn", "--sign", "stop", "--true", "stopp"], "did you mean 'stop'"),
        (["optimise", "builtin/signs-cnn", "--sign", "stop", "--target", "stop"], "true class"),
        (["optimise", "builtin/signs-cnn", "--sign", "stp"], "sign 'stp'"),
        (["optimise", "builtin/signs-cnn", "--sign", "stop", "--mask", "bar"], "mask 'bar'"),
        (["optimise", "builtin/signs-cnn", "--sign", "stop", "--attack", "pgd"], "does not fit a sticker"),
        (["optimise", "builtin/fashion-robust", "--sign", "stop", "--true", "0"], "channels"),
        (["optimise", "builtin/signs-cnn", "--sign", "stop", "--photos", "folder:nowhere"], "does not exist"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(words: list[str], said: str, tmp_path: Path) -> None:
    done = invoke(*words, *QUICK, "-o", tmp_path / "run")
    assert isinstance(done.exception, UsageError), done.output
    assert said in str(done.exception)
    assert not (tmp_path / "run").exists()


def test_a_mask_beside_the_sign_is_named(tmp_path: Path) -> None:
    (tmp_path / "mask.toml").write_text("rectangles_cm = [[30, 30, 20, 20]]\n")
    done = invoke(
        "optimise", "builtin/signs-cnn", "--sign", "stop", "--mask", tmp_path / "mask.toml", *QUICK, "-o", tmp_path / "run"
    )
    assert isinstance(done.exception, UsageError)
    assert "outside" in str(done.exception)


@pytest.mark.parametrize("verb", [["export"], ["plan"], ["score", "--photos", "folder:field"]])
def test_a_missing_run_is_named(verb: list[str], tmp_path: Path) -> None:
    done = invoke(verb[0], tmp_path / "nothing", *verb[1:])
    assert isinstance(done.exception, UsageError)
    assert "does not exist" in str(done.exception)


def test_photos_without_a_clean_partner_are_named(made: tuple[Result, Path], tmp_path: Path) -> None:
    from tests.benchmarks.sticker.test_photos import save

    _, folder = made
    before = (folder / "summary.json").read_bytes()
    save(tmp_path / "0001-sticker-152cm-0deg-daylight-1.png")
    done = invoke("score", folder, "--photos", f"folder:{tmp_path}", "--cropped", "--device", "cpu")
    assert isinstance(done.exception, UsageError), done.output
    assert "0001-sticker-152cm-0deg-daylight-1.png: no clean photo" in str(done.exception)
    assert (folder / "summary.json").read_bytes() == before


def test_the_help_needs_no_torch() -> None:
    code = "import sys, robustkit.cli.commands; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
