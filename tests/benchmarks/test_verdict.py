"""A verdict comes from records that fit the run and the images kept: what was edited, deleted or swapped decides nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from robustkit import Model
from robustkit.benchmarks.audit import audit
from robustkit.benchmarks.running.contradictions import digest_of_file
from robustkit.benchmarks.running.records import Records
from robustkit.benchmarks.running.run import Run
from robustkit.benchmarks.summary import Summary
from robustkit.benchmarks.verdict import judge_run
from robustkit.errors import ExitCode, RobustkitError

ATTACKS = ["noise", "pgd:steps=5"]


def judged(folder: Path, threshold: float | None = 0.2) -> Summary:
    said: list[str] = []
    summary = judge_run(folder, threshold, said.append)
    assert Run(folder).read_json("verdict.json")["exit_code"] == summary.exit_code
    return summary


def setting(**columns: Any) -> Callable[[Records], Records]:
    def change(found: Records) -> Records:
        for name, value in columns.items():
            found.columns[name] = np.full_like(found.columns[name], value)
        return found

    return change


def test_the_same_numbers_come_from_the_records(finished: Path) -> None:
    first, summary = Run(finished).report, (finished / "summary.json").read_bytes()
    again = judged(finished)
    assert (finished / "summary.json").read_bytes() == summary
    assert again.model_dump(exclude={"gates", "verdict", "exit_code"}) == first.model_dump(
        exclude={"gates", "verdict", "exit_code"}
    )
    assert again.exit_code == ExitCode.PASSED
    assert json.loads((finished / "verdict.json").read_text())["exit_code"] == 0
    assert "verdict" not in json.loads((finished / "summary.json").read_text())
    assert judged(finished, 0.9).exit_code == ExitCode.GATE_FAILED
    # What was last required is required still.
    assert judged(finished, None).exit_code == ExitCode.GATE_FAILED


def test_judging_loads_nothing_that_decodes_images() -> None:
    code = "import sys, robustkit.benchmarks.verdict; sys.exit('torchvision' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("text", [b"{}", b"[1]", b"\xff\xfe", b"{", b"[" * 100_000, b'{"threats": 1e400}', b""])
def test_an_edited_summary_decides_nothing(finished: Path, text: bytes) -> None:
    (finished / "summary.json").write_bytes(text)
    (finished / "verdict.json").write_bytes(text)
    said: list[str] = []
    assert judge_run(finished, 0.9, said.append).exit_code == ExitCode.GATE_FAILED
    assert said == ["summary.json does not match the records: the verdict uses the records"]
    assert (finished / "summary.json").read_bytes() == text


def test_the_curve_may_go_beyond_eps(linear_model: Model, linear_data: Any, tmp_path: Path) -> None:
    found = audit(linear_model, linear_data, threats=["linf:0.105"], suite="standard", out=tmp_path / "run").report
    assert found.threats[0].curve[-1].eps > 0.105
    assert found.threats[0].curve[-1].attack.value < found.threats[0].robust_accuracy.value
    assert "outside the threat" not in found.verdict.sentence


def test_a_copied_folder_is_the_same_run(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "elsewhere")
    said: list[str] = []
    judge_run(tmp_path / "elsewhere", 0.2, said.append)
    assert not said


def test_a_summary_of_other_numbers_decides_nothing(finished: Path) -> None:
    forged = json.loads((finished / "summary.json").read_text())
    forged["threats"][0]["robust_accuracy"] |= {"value": 1.0, "n": 10**9}
    (finished / "summary.json").write_text(json.dumps(forged))
    assert judged(finished, 0.9).threats[0].robust_accuracy.value == 0.5


@pytest.mark.parametrize(
    "text",
    [b"{}", b"[1]", b"\xff\xfe", b"[" * 100_000, b'{"resolved": 3}', b'{"resolved": {"format": 1}}', b'{"resolved": NaN}'],
)
def test_a_malformed_run_is_one_sentence(finished: Path, text: bytes, linear_model: Model, linear_data: Any) -> None:
    (finished / "run.json").write_bytes(text)
    with pytest.raises(RobustkitError, match="again") as caught:
        judge_run(finished, 0.2, print)
    assert caught.value.exit_code == ExitCode.USAGE
    assert not (finished / "verdict.json").exists()


@pytest.mark.parametrize(
    ("key", "value"),
    [("status", 3), ("shard", -1), ("shard", 10**30), ("threats", {}), ("model", [1]), ("clean", "../../x"), ("flags", "none")],
)
def test_an_edited_run_is_noticed(finished: Path, key: str, value: Any) -> None:
    Run(finished).update({key: value})
    with pytest.raises(RobustkitError):
        judge_run(finished, 0.2, print)
    edited = json.loads((finished / "run.json").read_text()) | {"status": "complete", "min_robust": 0.0}
    (finished / "run.json").write_text(json.dumps(edited))
    with pytest.raises(RobustkitError, match="was changed after it was written") as caught:
        judge_run(finished, 0.2, print)
    assert caught.value.exit_code == ExitCode.UNTRUSTED


@pytest.mark.parametrize("status", ["running", "interrupted", "failed"])
def test_an_unfinished_run_is_not_judged(finished: Path, status: str) -> None:
    Run(finished).update({"status": status})
    with pytest.raises(RobustkitError, match="run the same audit again") as caught:
        judge_run(finished, 0.2, print)
    assert caught.value.exit_code == ExitCode.INCOMPLETE
    assert not (finished / "verdict.json").exists()


def test_deleted_records_make_a_run_incomplete_and_fail_no_gate(finished: Path, cell_of: Any) -> None:
    shutil.rmtree(cell_of("pgd"))
    found = judged(finished, 0.9)
    assert found.exit_code == ExitCode.INCOMPLETE
    assert "records are missing" in found.verdict.sentence
    assert found.threats[0].attacks[1].status == "incomplete"


def test_a_failure_by_the_hits_that_are_left_stands(finished: Path, cell_of: Any) -> None:
    (cell_of("pgd") / "00000015-00000020.parquet").unlink()
    assert judged(finished, 0.9).exit_code == ExitCode.GATE_FAILED
    assert judged(finished, 0.2).exit_code == ExitCode.INCOMPLETE


FIRST = "00000000-00000005"

FORGED = {
    "flipped": (setting(verified=False), "verified successes disagree"),
    "survived": (
        setting(verified=False, status="failed", prediction=1),
        "other verification results|verified success|more images",
    ),
    "no rows": (lambda found: found.where(slice(0, 0)), "contain 0 samples, not the 5"),
    "near": (setting(distance=0.001), "other distances"),
    "images": (lambda found: replace(found, images=""), "not those that were verified"),
}


@pytest.mark.parametrize("kind", FORGED)
def test_forged_records_pass_and_fail_no_gate(
    finished: Path, kind: str, linear_model: Model, linear_data: Any, cell_of: Any, rewrite: Any
) -> None:
    change, sentence = FORGED[kind]
    rewrite(cell_of("pgd") / f"{FIRST}.parquet", change)
    for threshold in (0.2, 0.9):
        found = judged(finished, threshold)
        assert found.exit_code == ExitCode.UNTRUSTED, kind
        assert any(part in found.verdict.sentence for part in sentence.split("|")), found.verdict.sentence
        assert not found.gates
    # The same audit computes anew what it does not believe.
    run = audit(linear_model, linear_data, threats=["linf:0.105"], attacks=ATTACKS, out=finished)
    assert (run.report.threats[0].robust_accuracy.value, run.exit_code) == (0.5, 0)
    assert judged(finished).exit_code == ExitCode.PASSED


@pytest.mark.parametrize("how", ["deleted", "swapped", "edited", "harmless"])
def test_images_that_are_gone_or_others_are_noticed(finished: Path, how: str, cell_of: Any, rewrite: Any) -> None:
    (folder,) = (finished / "adversarial").glob("pgd-*")
    path = folder / f"{FIRST}.safetensors"
    if how == "deleted":
        path.unlink()
    if how == "swapped":
        shutil.copy(folder / "00000005-00000010.safetensors", path)
    if how in ("edited", "harmless"):
        kept = load_file(path)
        # Even with a fitting digest: images that are the clean ones, or records of images that are not verified.
        kept["x_adv"] = kept["x"].clone() if how == "harmless" else kept["x_adv"] + 0.5
        save_file(kept, path)
        rewrite(cell_of("pgd") / f"{FIRST}.parquet", lambda found: replace(found, images=digest_of_file(path)))
    found = judged(finished)
    assert found.exit_code == ExitCode.UNTRUSTED
    assert "images" in found.verdict.sentence


def test_a_hit_that_is_called_a_best_effort_is_noticed(finished: Path, cell_of: Any, rewrite: Any) -> None:
    """With digests, flags in the image file and outcomes made to fit: the prediction still says what the image is."""
    (folder,) = (finished / "adversarial").glob("pgd-*")
    path = folder / f"{FIRST}.safetensors"
    kept = load_file(path)
    kept["verified"][0] = False
    save_file(kept, path)

    def change(found: Records) -> Records:
        at = int(np.flatnonzero(found["sample_id"] == int(kept["sample_id"][0]))[0])
        found.columns["verified"][at], found.columns["status"][at] = False, "failed"
        return replace(found, images=digest_of_file(path))

    rewrite(cell_of("pgd") / f"{FIRST}.parquet", change)
    assert "does not count as a success" in judged(finished).verdict.sentence


def test_a_run_of_an_earlier_version_is_one_sentence(finished: Path) -> None:
    (finished / "run.json").write_text(json.dumps({"resolved": {"format": 2}, "status": "complete"}))
    with pytest.raises(RobustkitError, match="another version of robustkit"):
        judge_run(finished, 0.2, print)
