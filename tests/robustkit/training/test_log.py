import os

import pytest

from robustkit.errors import UsageError
from robustkit.training.log import Log


def test_every_epoch_is_a_row_and_the_table_is_written_whole(tmp_path):
    history = []
    with Log(tmp_path, history, active=True) as log:
        for epoch in (1, 2):
            history.append({"epoch": epoch, "clean": epoch / 4, "robust": 0.125})
            log.epoch(history[-1])
            assert len((tmp_path / "metrics.csv").read_text().split()) == epoch + 1
    assert (tmp_path / "metrics.csv").read_text().split() == ["epoch,clean,robust", "1,0.25,0.125", "2,0.5,0.125"]
    assert [path.name.startswith("events") for path in (tmp_path / "tensorboard").iterdir()] == [True]


def test_a_resumed_run_keeps_the_rows_it_had(tmp_path):
    history = [{"epoch": 1, "clean": 0.5}]
    with Log(tmp_path, history, active=True) as log:
        history.append({"epoch": 2, "clean": 0.75})
        log.epoch(history[-1])
    assert (tmp_path / "metrics.csv").read_text().split() == ["epoch,clean", "1,0.5", "2,0.75"]


def test_of_several_processes_one_writes(tmp_path):
    with Log(tmp_path, [], active=False) as log:
        log.epoch({"epoch": 1, "clean": 0.5})
    assert os.listdir(tmp_path) == []


def test_curves_that_cannot_be_written_are_one_sentence(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    row = {"epoch": 1, "clean": 0.5}
    with Log(tmp_path, [row], active=True) as log:
        monkeypatch.setattr(log.board, "log_metrics", full)
        monkeypatch.setattr(log.board, "finalize", full)  # which is not worth a second word
        with pytest.raises(UsageError, match=r"cannot write .*tensorboard.*No space left"):
            log.epoch(row)
