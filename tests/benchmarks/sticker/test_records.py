"""The records of a sticker's run."""

from __future__ import annotations

from pathlib import Path

import pytest

from robustkit.benchmarks.sticker.records import read_frames, write_frames
from robustkit.benchmarks.sticker.scoring import Frame
from robustkit.errors import EvidenceError


def test_frames_are_read_as_they_were_written(tmp_path: Path) -> None:
    frames = [
        Frame(file="a.jpg", subject="clean", prediction=0, label=0),
        Frame(
            file="b.jpg", subject="control:grey", prediction=3, label=0, target=3, distance_cm=152.4, angle_deg=-15.0,
            light="dusk", repeat=2, size_px=31.5, run="drive", number=7,
        ),
    ]  # fmt: skip
    write_frames(tmp_path / "records" / "rendered.parquet", frames)
    assert read_frames(tmp_path / "records" / "rendered.parquet") == frames


@pytest.mark.parametrize("content", [None, b"", b"not parquet"])
def test_what_is_no_record_is_not_trusted(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "rendered.parquet").write_bytes(content)
    with pytest.raises(EvidenceError, match=r"rendered\.parquet"):
        read_frames(tmp_path / "rendered.parquet")
