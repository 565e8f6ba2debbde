"""Records survive, or are known to be damaged."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from robustkit.benchmarks.running import records
from robustkit.benchmarks.running.records import SCHEMA, Records
from robustkit.errors import EvidenceError, UsageError
from robustkit.files import atomic


def rows(n: int) -> Records:
    columns = {field.name: np.zeros(n, dtype=np.float32 if "float" in str(field.type) else np.int64) for field in SCHEMA}
    columns |= {name: np.zeros(n, dtype=bool) for name in ("reported", "verified")}
    columns["status"] = np.asarray(["found", "error"] * n, dtype=object)[:n]
    columns["sample_id"] = np.arange(n)
    return Records(columns, 1.5, "a message")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "cell" / "0.parquet"
    records.write(path, rows(5))
    found = records.read(path, np.arange(5))
    assert found is not None
    assert found["status"].tolist() == ["found", "error", "found", "error", "found"]
    assert (found.seconds, found.message) == (1.5, "a message")
    assert [p.name for p in path.parent.iterdir()] == ["0.parquet"]


def test_no_rows_are_rows_too(tmp_path: Path) -> None:
    records.write(tmp_path / "0.parquet", records.empty())
    found = records.read(tmp_path / "0.parquet", np.arange(5))
    assert found is not None
    assert len(found) == 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(at=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_is_noticed_or_harmless(tmp_path: Path, at: float, bit: int) -> None:
    path = tmp_path / "0.parquet"
    records.write(path, rows(200))
    data = bytearray(path.read_bytes())
    data[int(len(data) * at)] ^= 1 << bit
    path.write_bytes(bytes(data))
    found = records.read(path, np.arange(200))
    if found is not None:
        for name, column in rows(200).columns.items():
            np.testing.assert_array_equal(found[name], column)


def test_a_truncated_or_foreign_file_is_no_record(tmp_path: Path) -> None:
    path = tmp_path / "0.parquet"
    records.write(path, rows(20))
    assert records.read(path, np.arange(10)) is None
    path.write_bytes(path.read_bytes()[:100])
    assert records.read(path, np.arange(20)) is None
    assert records.read(tmp_path / "missing.parquet") is None


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    def fill() -> None:
        with atomic(tmp_path / "x" / "y") as partial:
            partial.write_text("half")
            raise OSError(28, "No space left on device")

    with pytest.raises(UsageError, match="No space left"):
        fill()
    assert list((tmp_path / "x").iterdir()) == []


def test_a_file_in_the_way_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(UsageError, match="cannot write"), atomic(tmp_path / "x" / "y"):
        pass


def test_a_pipe_is_no_record_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "part.parquet")
    assert records.read(tmp_path / "part.parquet") is None
    with pytest.raises(EvidenceError, match="missing or does not belong to this run"):
        records.read_samples(tmp_path / "part.parquet", "")
