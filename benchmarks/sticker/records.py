"""The records of a sticker's run: one Parquet row for each classified rendering or photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from robustkit.benchmarks.sticker.scoring import Frame
from robustkit.errors import EvidenceError
from robustkit.files import atomic, must_be_regular

SCHEMA = pa.schema(
    [
        ("file", pa.string()),
        ("subject", pa.string()),
        ("prediction", pa.int32()),
        ("label", pa.int32()),
        ("target", pa.int32()),  # null if untargeted
        ("distance_cm", pa.float64()),
        ("angle_deg", pa.float64()),
        ("light", pa.string()),
        ("repeat", pa.int32()),
        ("size_px", pa.float64()),
        ("run", pa.string()),
        ("number", pa.int32()),
    ]
)


def write_frames(path: Path, frames: Sequence[Frame]) -> None:
    """Write frames to a Parquet file."""
    columns = {field.name: [getattr(frame, field.name) for frame in frames] for field in fields(Frame)}
    with atomic(path) as partial:
        pq.write_table(pa.table(columns, schema=SCHEMA), partial)


def read_frames(path: Path) -> list[Frame]:
    """The frames that `write_frames` wrote. Raises `EvidenceError` if the file is missing or not one."""
    try:
        must_be_regular(path)
        return [Frame(**row) for row in pq.read_table(path, schema=SCHEMA).to_pylist()]
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException):
        raise EvidenceError(f"{path} is missing or not the records of a sticker: run the same command again") from None
