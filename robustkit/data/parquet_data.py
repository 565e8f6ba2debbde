"""``parquet:PATH``: a table of encoded images, or image paths relative to the table's folder, and their labels."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from robustkit.data import columns
from robustkit.data.base import Data
from robustkit.data.encoded import EncodedSource
from robustkit.data.files import Stream, Tree, brief, local_path, shown
from robustkit.data.folder import FilesSource
from robustkit.data.labels import Labels, as_integers, from_text
from robustkit.data.reading import Reading
from robustkit.errors import RobustkitError, UsageError

#: Maximum number of bytes of a row group, which is read at once.
_MOST = 2**31


class ParquetSource(EncodedSource):
    """A column of encoded images, with one row group in memory at a time."""

    def __init__(self, path: Path, column: str, tree: Tree, reading: Reading) -> None:
        super().__init__(reading)
        self.path = path
        self.column = column
        self.tree = tree
        self._file: Any = None
        metadata = pq.read_metadata(path)
        self._ends = np.cumsum([metadata.row_group(k).num_rows for k in range(metadata.num_row_groups)])
        self._group: tuple[int, Any] = (-1, None)

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getstate__(self) -> dict[str, Any]:
        # Each worker process opens the file itself.
        return self.__dict__ | {"_file": None, "_group": (-1, None)}

    def open(self, position: int) -> Stream:
        """The encoded image of a row."""
        group = int(np.searchsorted(self._ends, position, side="right"))
        if self._group[0] != group:
            self._file = self._file or pq.ParquetFile(self.path)
            _check_size(self._file.metadata, group, self.path)
            self._group = (group, self._file.read_row_group(group, columns=[self.column]).column(0))
        column = self._group[1]
        image = column[position - int(self._ends[group]) + len(column)].as_py()
        encoded, path = (image.get("bytes"), image.get("path")) if isinstance(image, dict) else (image, None)
        if encoded is not None:
            return io.BytesIO(encoded)
        if path is None:
            raise ValueError("the row contains no image")
        return self.tree.open(path)

    def sampled(self, most: int) -> NDArray[np.int64]:
        """Positions in the first row group."""
        return np.arange(min(most, next(int(end) for end in self._ends if end)), dtype=np.int64)

    def where(self, position: int) -> str:
        """The row of the image."""
        return f"row {position} of {shown(str(self.path))}"


def load_parquet(path: str, reading: Reading | None = None) -> Data:
    """The images and labels of a Parquet file: encoded images as Hugging Face writes them, bytes, or file paths.

    Raises
    ------
    UsageError
        If the file or one of the columns does not exist, a label is missing, or a path leads out of the folder.
    """
    file = local_path(path, folder=False, expected="give a Parquet file with a column of images and one of labels")
    try:
        with pq.ParquetFile(file) as table:
            return _read(table, file, path, reading or Reading())
    except RobustkitError:
        raise
    # Arrow raises many kinds of error on a damaged file.
    except Exception as error:
        cause = brief(" ".join(str(error).split()), 300) or type(error).__name__
        raise UsageError(f"{shown(str(file))} cannot be read as a Parquet file: {cause}") from error


def _read(table: Any, file: Path, path: str, reading: Reading) -> Data:
    what, schema = f"data file {brief(shown(path))!r}", table.schema_arrow
    image, label = columns.find(schema.names, columns.IMAGES), columns.find(schema.names, columns.LABELS)
    if image is None or label is None:
        raise columns.missing(what, schema.names)
    if not table.metadata.num_rows:
        raise UsageError(f"{what} has no rows: expected one per image")
    labels, classes, note = _labels(table, schema.field(label), file, f"labels of parquet:{brief(shown(path))}")
    tree = Tree(file.parent, follow_links=reading.follow_links)
    field = schema.field(image)
    source: EncodedSource
    if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
        files = _column(table, field.name, file).to_pylist()
        if not all(files):
            raise UsageError(f"{what} has no {field.name} in row {next(k for k, name in enumerate(files) if not name)}")
        tree.check_all(files)
        source = FilesSource(tree, files, reading)
    elif pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type) or _is_encoded(field.type):
        source = ParquetSource(file, field.name, tree, reading)
    else:
        raise UsageError(
            f"column {field.name!r} of {what} is {field.type}: expected paths, bytes, or a struct of bytes and path"
        )
    notes = [found for found in (note, source.orientation_note()) if found]
    return Data(source, labels, name=f"parquet:{path}", classes=classes, notes=notes)


def _is_encoded(kind: Any) -> bool:
    return pa.types.is_struct(kind) and {"bytes", "path"} == {kind.field(k).name for k in range(kind.num_fields)}


def _labels(table: Any, field: Any, file: Path, what: str) -> tuple[Labels, list[str] | None, str | None]:
    column = _column(table, field.name, file)
    if column.null_count:
        raise UsageError(f"{what} are missing in {column.null_count} of {len(column)} rows: fill or remove those rows")
    if pa.types.is_integer(field.type):
        return as_integers(column.to_numpy(), what, len(column)), _class_names(table.schema_arrow, field.name), None
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise UsageError(f"{what} are {field.type}: expected integers or names")
    encoded = column.cast(kind).combine_chunks().dictionary_encode()
    return from_text(encoded.dictionary.to_pylist(), encoded.indices.to_numpy(), what)


def _class_names(schema: Any, label: str) -> list[str] | None:
    """The class names, if the Hugging Face library wrote the file."""
    try:
        feature = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"][label]
        return [str(name) for name in feature["names"]]
    except (KeyError, TypeError, ValueError, RecursionError):
        return None


def _column(table: Any, name: str, file: Path) -> Any:
    parts = []
    for group in range(table.num_row_groups):
        _check_size(table.metadata, group, file)
        parts += table.read_row_group(group, columns=[name]).column(0).chunks
    return pa.chunked_array(parts)


def _check_size(metadata: Any, group: int, file: Path) -> None:
    """Raise `UsageError` for a row group too large for memory. Column metadata is not used: Arrow crashes if it is damaged."""
    size = metadata.row_group(group).total_byte_size
    if size > _MOST:
        raise UsageError(f"{shown(str(file))} has row groups of {size / 1e9:.1f} GB: write it with smaller ones")
