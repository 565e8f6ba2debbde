"""A run folder: links in it are refused, and a full disk costs nothing that was computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from robustkit import Model
from robustkit.benchmarks.audit import audit
from robustkit.benchmarks.running import kept
from robustkit.benchmarks.running.run import Run
from robustkit.benchmarks.verdict import write_documents
from robustkit.errors import UsageError


def run(model: Model, data: Any, out: Path, **options: Any) -> Run:
    return audit(model, data, out=out, **{"threats": ["linf:0.105"], "attacks": ["pgd:steps=5"], **options})


@pytest.mark.parametrize("name", ["report.html", "junit.xml", "robustkit.sarif"])
def test_documents_replace_a_link(name: str, linear_model: Model, linear_data: Any, tmp_path: Path) -> None:
    run(linear_model, linear_data, tmp_path / "run")
    (tmp_path / "victim").write_text("mine")
    (tmp_path / "run" / name).unlink()
    (tmp_path / "run" / name).symlink_to(tmp_path / "victim")
    write_documents(tmp_path / "run", Run(tmp_path / "run").report)
    assert (tmp_path / "victim").read_text() == "mine"
    assert not (tmp_path / "run" / name).is_symlink()


@pytest.mark.parametrize("name", ["records", "adversarial", "summary.json", "run.json"])
def test_links_are_refused_on_reading_and_on_resuming(name: str, linear_model: Model, linear_data: Any, tmp_path: Path) -> None:
    run(linear_model, linear_data, tmp_path / "run")
    (tmp_path / "run" / name).rename(tmp_path / "elsewhere")
    (tmp_path / "run" / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match=f"{name} is a link"):
        _ = Run(tmp_path / "run").report
    with pytest.raises(UsageError, match=f"{name} is a link"):
        run(linear_model, linear_data, tmp_path / "run")


def test_a_file_in_the_folders_place_is_one_sentence(linear_model: Model, linear_data: Any, tmp_path: Path) -> None:
    (tmp_path / "run").write_text("mine")
    with pytest.raises(UsageError, match="run is a file: choose another -o"):
        run(linear_model, linear_data, tmp_path / "run")
    assert (tmp_path / "run").read_text() == "mine"


def test_a_full_disk_while_images_are_saved_is_one_sentence_and_the_run_goes_on(
    linear_model: Model, linear_data: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetensors import SafetensorError

    def full(*_: Any) -> None:
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(kept, "save_file", full)
    with pytest.raises(UsageError, match=r"cannot write .*adversarial.*No space left"):
        run(linear_model, linear_data, tmp_path / "run")
    monkeypatch.undo()
    found = run(linear_model, linear_data, tmp_path / "run").report
    assert found.threats[0].robust_accuracy.value == 0.5
