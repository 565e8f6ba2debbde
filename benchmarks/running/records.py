"""One row per (sample, attack), in one Parquet file per shard, written atomically."""

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
        ("clean_margin", pa.float32()),  # the label's logit minus the largest other logit
        ("clean_confidence", pa.float32()),
        ("prediction", pa.int32()),  # on the attack's image; -1 if there is none
        ("margin", pa.float32()),
        ("confidence", pa.float32()),
        ("reported", pa.bool_()),  # success claimed by the attack
        ("verified", pa.bool_()),  # success confirmed by a fresh pass
        ("status", pa.dictionary(pa.int8(), pa.string())),
        ("distance", pa.float32()),
        ("nearest_distance", pa.float32()),  # to the nearest verified adversarial image; infinite if there is none
        ("forwards", pa.int32()),
        ("backwards", pa.int32()),
        ("first_success_step", pa.int32()),
        ("zero_gradients", pa.int32()),
    ]
)

STATUS_NAMES = [status.name.lower() for status in Status]


@dataclass
class Records:
    """The rows of one cell and shard as numpy columns, with the run time."""

    columns: dict[str, Column]
    seconds: float = 0.0
    message: str = ""  #: why the attack crashed, if it did
    cell: str = ""  #: digest of the cell they belong to
    images: str = ""  #: digest of the file of stored images, if there is one
    skipped: list[str] = field(default_factory=list)  #: files that could not be read and were skipped

    def __len__(self) -> int:
        return len(self.columns["sample_id"])

    def __getitem__(self, column: str) -> Column:
        return self.columns[column]

    def has_status(self, status: Status) -> Column:
        """Whether each row has a status."""
        return np.asarray(self.columns["status"] == status.name.lower())

    def where(self, rows: Column) -> Records:
        """Some of the rows, by boolean mask or index."""
        return replace(self, columns={name: column[rows] for name, column in self.columns.items()})

    def answered(self) -> Records:
        """The rows with a valid result."""
        return self.where(~self.has_status(Status.ERROR))

    @property
    def sound(self) -> bool:
        """Whether nothing failed; otherwise running the same command again recomputes the records."""
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
    """Error rows for samples without a valid result, with the reason."""
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
    """Write the sample ids of a run and their labels."""
    with atomic(path) as partial:
        pq.write_table(pa.table({"sample_id": pa.array(ids, pa.int64()), "label": pa.array(labels, pa.int64())}), partial)


def read_samples(path: Path, digest: str) -> tuple[Column, Column]:
    """The sample ids and labels in a file of `write_samples`.

    Raises
    ------
    EvidenceError
        If the file is missing or its `samples_digest` differs.
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
        raise EvidenceError(f"{path} is missing or does not belong to this run: run the same audit again")
    return ids, labels


def samples_digest(ids: Column, labels: Column) -> str:
    """Hexadecimal digest of sample ids and labels."""
    return hashlib.sha256(json.dumps([ids.tolist(), labels.tolist()]).encode()).hexdigest()


def as_column(values: Tensor | Column) -> Column:
    """A tensor as a numpy column."""
    return values.detach().cpu().numpy() if isinstance(values, Tensor) else values


def named(status: Tensor) -> Column:
    """Status codes as names."""
    return np.array(STATUS_NAMES, dtype=object).take(as_column(status))


def write(path: Path, records: Records) -> None:
    """Write records atomically, with a digest of the content.

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
    """The records in a file, or None if it is missing, damaged, or contains other samples."""
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
