"""Files are written whole or not at all, and never through a link."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError

from robustkit.errors import UsageError
from robustkit.files import ABANDONED, atomic, make_folder, refuse_links, write_text


def test_a_link_is_replaced_and_what_it_leads_to_is_left_alone(tmp_path: Path) -> None:
    victim, report = tmp_path / "victim", tmp_path / "run" / "report.html"
    victim.write_text("mine")
    report.parent.mkdir()
    report.symlink_to(victim)
    write_text(report, "page")
    assert (victim.read_text(), report.read_text(), report.is_symlink()) == ("mine", "page", False)


def test_a_file_has_the_rights_that_any_new_file_has(tmp_path: Path) -> None:
    write_text(tmp_path / "ours", "")
    (tmp_path / "plain").write_text("")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_what_a_killed_process_left_is_removed_and_what_another_is_writing_is_not(tmp_path: Path) -> None:
    left, busy, other = (tmp_path / name for name in (".a.0123.partial", ".a.4567.partial", ".b.0123.partial"))
    for path in (left, busy, other):
        path.write_text("half")
    for path in (left, other):
        os.utime(path, (time.time() - 2 * ABANDONED,) * 2)
    write_text(tmp_path / "a", "whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".a.4567.partial", ".b.0123.partial", "a"]


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), SafetensorError("I/O error: No space left on device")]
)
def test_a_full_disk_is_one_sentence_and_leaves_the_file_as_it_was(error: Exception, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("before")

    def fill() -> None:
        with atomic(tmp_path / "a") as partial:
            partial.write_text("half")
            raise error

    with pytest.raises(UsageError, match=r"cannot write .*No space left on device.*; free space") as said:
        fill()
    assert "\n" not in str(said.value)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a", "before")]


def test_another_error_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(KeyError), atomic(tmp_path / "a"):
        raise KeyError("a fault of ours")


@pytest.mark.parametrize("where", ["records", "records/cell", "records/cell/0.parquet", "summary.json"])
def test_links_in_a_run_folder_are_refused(where: str, tmp_path: Path) -> None:
    run, outside = tmp_path / "run", tmp_path / "outside"
    outside.mkdir()
    (run / where).parent.mkdir(parents=True)
    (run / where).symlink_to(outside)
    with pytest.raises(UsageError, match=f"{run / where} is a link"):
        refuse_links(run, ("records", "summary.json"))
    refuse_links(run, ("patches",))


def test_a_run_folder_that_is_itself_a_link_is_not(tmp_path: Path) -> None:
    (tmp_path / "disk" / "records").mkdir(parents=True)
    (tmp_path / "run").symlink_to(tmp_path / "disk")
    refuse_links(tmp_path / "run", ("records",))


def test_a_checkpoint_that_does_not_fit_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from robustkit.training.checkpoint import Progress, save_checkpoint

    def full(*_: Any, **__: Any) -> None:
        raise RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 576 vs 534")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(UsageError, match=r"cannot write .*the disk is full"):
        save_checkpoint(tmp_path / "last.pt", Progress(), {})
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_made_once(tmp_path: Path) -> None:
    for _ in range(2):
        make_folder(tmp_path / "runs" / "one")
    assert (tmp_path / "runs" / "one").is_dir()


@pytest.mark.parametrize("name", ["file", "file/run", "file/runs/run"])
def test_a_file_in_a_folders_place_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match=r"cannot be the folder of a run, because \S*/file is a file: choose another -o"):
        make_folder(tmp_path / name)
    assert (tmp_path / "file").read_text() == "mine"


def test_a_link_that_leads_nowhere_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"because \S*/link is a broken link"):
        make_folder(tmp_path / "link")


def test_a_folder_that_the_system_does_not_make_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", denied)
    with pytest.raises(UsageError, match="cannot be the folder of a run: Permission denied; choose another -o"):
        make_folder(tmp_path / "run")
