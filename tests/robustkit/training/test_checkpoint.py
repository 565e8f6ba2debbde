"""A run's state is written whole, read without running code, and believed only if it can be."""

from __future__ import annotations

import os
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from robustkit.errors import ExitCode, UnsafeFileError, UsageError
from robustkit.training.checkpoint import Progress, load_checkpoint, save_checkpoint

CPU = torch.device("cpu")


def row(epoch: int, clean: float, robust: float) -> dict[str, float]:
    return {"epoch": epoch, "clean": clean, "robust": robust}


#: Two of five epochs are done, and two batches of the third.
STANDS = Progress(
    epoch=2, batch=2, losses=[torch.tensor(0.5), torch.tensor(0.25)], best=[0.5, 0.75],
    history=[row(1, 1.0, 0.25), row(2, 0.75, 0.5)],
)  # fmt: skip


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    assert load_checkpoint(path, CPU) is None
    save_checkpoint(path, STANDS, {"net": {"weight": torch.arange(3.0)}})
    loaded = load_checkpoint(path, CPU)
    assert loaded is not None
    progress, state = loaded
    assert progress == STANDS
    assert torch.equal(state["net"]["weight"], torch.arange(3.0))
    progress.check(epochs=5, batches=10)


def test_a_crash_while_writing_leaves_the_checkpoint_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "last.pt"
    save_checkpoint(path, Progress(), {})
    before = path.read_bytes()

    def full(state: Any, partial: Path) -> None:
        partial.write_bytes(b"half")
        raise RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 64 vs 0")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(UsageError, match=r"last\.pt.*the disk is full, or the file too large"):
        save_checkpoint(path, STANDS, {})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_run_that_has_not_begun_and_one_that_has_ended_can_stand() -> None:
    Progress().check(epochs=1, batches=1)
    replace(STANDS, epoch=2, batch=0, losses=[]).check(epochs=2, batches=10)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"epoch": 6}, "its epoch is 6, but the run has 5"),
        ({"epoch": "2"}, "its epoch is '2'"),
        ({"epoch": True}, "its epoch is True"),
        ({"epoch": -1}, "its epoch is -1"),
        ({"batch": 10}, "its batch is 10, but an epoch has 10"),
        ({"batch": 1}, "one loss for each batch"),
        ({"losses": 3}, "one loss for each batch"),
        ({"losses": [0.5, 0.25]}, "its losses are not numbers"),
        ({"losses": [torch.zeros(2), torch.zeros(2)]}, "its losses are not numbers"),
        ({"losses": [torch.tensor(1), torch.tensor(2)]}, "its losses are not numbers"),
        ({"history": 3}, "not a list of rows"),
        ({"history": []}, "one row for each epoch"),
        ({"history": [row(1, 1.0, 0.25)]}, "one row for each epoch"),
        ({"history": [row(2, 1.0, 0.25), row(1, 0.75, 0.5)]}, "one row for each epoch"),
        ({"history": [row(1, 7.0, 0.25), row(2, 0.75, 0.5)]}, r"outside \[0, 1\]"),
        ({"history": [row(1, float("nan"), 0.25), row(2, 0.75, 0.5)]}, r"outside \[0, 1\]"),
        ({"history": [{"epoch": 1}, row(2, 0.75, 0.5)]}, r"outside \[0, 1\]"),
        ({"best": [1.0, 1.0]}, "its best score is not that of its history"),
        ({"best": []}, "its best score is not that of its history"),
    ],
)
def test_where_no_run_can_stand(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        replace(STANDS, **change).check(epochs=5, batches=10)


def test_the_last_batch_of_the_last_epoch_is_behind_the_end() -> None:
    with pytest.raises(ValueError, match="its batch is 2"):
        STANDS.check(epochs=2, batches=10)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"not a checkpoint", pickle.dumps([1, 2])])
def test_a_damaged_file_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "checkpoints" / "last.pt"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"cannot be read .*: delete .*checkpoints to start again$") as said:
        load_checkpoint(path, CPU)
    assert "\n" not in str(said.value)


class Payload:
    """Runs a command when it is unpickled."""

    def __reduce__(self) -> Any:
        return os.mkdir, ("touched",)


@pytest.mark.parametrize("dress", ["zip", "legacy", "plain"])
def test_what_would_run_code_is_refused_with_6(dress: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "last.pt"
    if dress == "plain":
        path.write_bytes(pickle.dumps({"net": Payload()}))
    else:
        torch.save({"net": Payload()}, path, _use_new_zipfile_serialization=dress == "zip")
    with pytest.raises(UnsafeFileError, match=r"last\.pt was refused, .* could run code \(.*mkdir\)") as said:
        load_checkpoint(path, CPU)
    assert said.value.exit_code == ExitCode.UNSAFE_FILE
    assert not Path("touched").exists()
