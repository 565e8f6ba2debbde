"""One row per (sample, attack), in Parquet files of one shard each, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from torch import Tensor

from robustkit.contracts.result import Status
from robustkit.errors import EvidenceError
from robustkit.files import atomic, must_be_regular

Column = NDArray[Any]

SCHEMA = pa.schema(
    [
        ("sample_id", pa.int64()),
        ("label", pa.int32()),
        ("target", pa.int32()),  # -1 for none
        ("clean_prediction", pa.int32()),
        ("clean_margin", pa.float32()),  # of the label over the best other class
        ("clean_confidence", pa.float32()),
        ("prediction", pa.int32()),  # of the image the attack handed over; -1 if there is none
        ("margin", pa.float32()),
        ("confidence", pa.float32()),
        ("reported", pa.bool_()),  # success the attack claimed
        ("verified", pa.bool_()),  # success that a fresh pass confirmed
        ("status", pa.dictionary(pa.int8(), pa.string())),
        ("distance", pa.float32()),
        ("nearest_distance", pa.float32()),  # of the nearest verified adversarial image; infinite for none
        ("forwards", pa.int32()),
        ("backwards", pa.int32()),
        ("first_success_step", pa.int32()),
        ("zero_gradients", pa.int32()),
    ]
)

STATUS_NAMES = [status.name.lower() for status in Status]


@dataclass
class Records:
    """The rows of one cell and shard, as columns of numpy arrays, with the seconds they took."""

    columns: dict[str, Column]
    seconds: float = 0.0
    message: str = ""  #: why the attack crashed, if it did
    cell: str = ""  #: what they were made for
    images: str = ""  #: digest of the file of images kept beside them, if there is one
    skipped: list[str] = field(default_factory=list)  #: files that could not be read and were left out

    def __len__(self) -> int:
        return len(self.columns["sample_id"])

    def __getitem__(self, column: str) -> Column:
        return self.columns[column]

    def has_status(self, status: Status) -> Column:
        """Bool, one a row."""
        return np.asarray(self.columns["status"] == status.name.lower())

    def where(self, rows: Column) -> Records:
        """Some of the rows, by a bool or an index a row."""
        return replace(self, columns={name: column[rows] for name, column in self.columns.items()})

    def answered(self) -> Records:
        """The rows to which model and attack gave a valid answer."""
        return self.where(~self.has_status(Status.ERROR))

    @property
    def sound(self) -> bool:
        """Whether nothing failed on the way. What did is computed again by the next run of the same command."""
        return not self.message and not self.has_status(Status.ERROR).any()

    @staticmethod
    def join(parts: Sequence[Records]) -> Records:
        """All rows of several shards."""
        columns = {field.name: np.concatenate([part[field.name] for part in parts]) for field in SCHEMA}
        message = next((part.message for part in parts if part.message), "")
        skipped = list(dict.fromkeys(sentence for part in parts for sentence in part.skipped))
        return Records(columns, sum(part.seconds for part in parts), message, parts[0].cell, skipped=skipped)


def empty() -> Records:
    """No rows."""
    columns = {
        field.name: np.asarray([], dtype=object if field.name == "status" else field.type.to_pandas_dtype()) for field in SCHEMA
    }
    return Records(columns)


def unanswered(ids: Column, labels: Column, message: str) -> Records:
    """Rows that say that there is no valid answer to these samples, and why."""
    n = len(ids)
    columns: dict[str, Column] = {}
    for field_ in SCHEMA:
        kind = field_.type.to_pandas_dtype() if field_.name != "status" else object
        columns[field_.name] = np.full(n, np.nan) if pa.types.is_floating(field_.type) else np.zeros(n, dtype=kind)
    for name in ("target", "clean_prediction", "prediction", "first_success_step"):
        columns[name] -= 1
    columns |= {"sample_id": ids, "label": labels, "status": np.full(n, Status.ERROR.name.lower(), dtype=object)}
    return Records(columns, 0.0, message)


def write_samples(path: Path, ids: Column, labels: Column) -> None:
    """Write which samples a run is about, with their labels."""
    with atomic(path) as partial:
        pq.write_table(pa.table({"sample_id": pa.array(ids, pa.int64()), "label": pa.array(labels, pa.int64())}), partial)


def read_samples(path: Path, digest: str) -> tuple[Column, Column]:
    """What `write_samples` wrote.

    Raises
    ------
    EvidenceError
        If it is missing, or its `samples_digest` is another one.
    """
    try:
        must_be_regular(path)
        with pq.ParquetFile(path) as file:
            table = file.read()
        ids, labels = (table[name].to_numpy().astype(np.int64) for name in ("sample_id", "label"))
        found = samples_digest(ids, labels)
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException):
        found = ""
    if found != digest or not found:
        raise EvidenceError(f"{path} is missing or not the one that the run was made on: run the same audit again")
    return ids, labels


def samples_digest(ids: Column, labels: Column) -> str:
    """Hexadecimal digest of which samples a run is about, with their labels."""
    return hashlib.sha256(json.dumps([ids.tolist(), labels.tolist()]).encode()).hexdigest()


def as_column(values: Tensor | Column) -> Column:
    """A tensor as a numpy column."""
    return values.detach().cpu().numpy() if isinstance(values, Tensor) else values


def named(status: Tensor) -> Column:
    """Status codes as names."""
    return np.array(STATUS_NAMES, dtype=object).take(as_column(status))


def write(path: Path, records: Records) -> None:
    """Write atomically, with a digest of the content.

    Raises
    ------
    UsageError
        If the disk is full or the folder cannot be written.
    """
    table = pa.table({field.name: pa.array(records[field.name]).cast(field.type) for field in SCHEMA}, schema=SCHEMA)
    metadata = {
        "seconds": repr(records.seconds),
        "message": records.message,
        "cell": records.cell,
        "images": records.images,
        "skipped": json.dumps(records.skipped),
    }
    table = table.replace_schema_metadata({**metadata, "digest": digest_of(table, metadata)})
    with atomic(path) as partial:
        pq.write_table(table, partial, compression="zstd")


def read(path: Path, sample_ids: Column | None = None) -> Records | None:
    """The rows of a file, or None if it is missing, damaged, or about other samples."""
    try:
        must_be_regular(path)
        with pq.ParquetFile(path) as file:
            if sample_ids is not None and file.metadata.num_rows > len(sample_ids):
                return None
            table = file.read()
        metadata = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
        if table.schema.remove_metadata() != SCHEMA or metadata.pop("digest", "") != digest_of(table, metadata):
            return None
        columns = {name: table[name].to_numpy() for name in table.column_names}
        seconds, skipped = float(metadata["seconds"]), [str(sentence) for sentence in json.loads(metadata["skipped"])]
        if not 0 <= seconds < 1e12 or any(column.null_count for column in table.columns):
            return None
        records = Records(columns, seconds, metadata["message"], metadata["cell"], metadata["images"], skipped)
    except (OSError, ValueError, KeyError, TypeError, RecursionError, pa.ArrowException):
        return None
    if sample_ids is not None and not np.isin(records["sample_id"], sample_ids).all():
        return None
    return records


def digest_of(table: pa.Table, metadata: dict[str, str]) -> str:
    """Hexadecimal digest of a table's values and metadata."""
    digest = hashlib.sha256(repr(sorted(metadata.items())).encode())
    for name in table.column_names:
        column = table[name].to_numpy()
        digest.update(repr(column.tolist()).encode() if column.dtype == object else column.tobytes())
    return digest.hexdigest()
