"""``hf/owner/name[:split]``: a Hugging Face dataset of images and labels, read from a memory-mapped table."""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path
from typing import Any

import numpy as np

from robustkit.data.base import Data
from robustkit.data.encoded import EncodedSource
from robustkit.data.files import Stream, Tree, brief
from robustkit.data.labels import Labels, TextLabels, as_integers
from robustkit.data.reading import Reading
from robustkit.errors import RobustkitError, UsageError


class HFSource(EncodedSource):
    """The image column of a table: encoded bytes, or paths of files inside the given folders."""

    def __init__(self, table: Any, column: str, folders: list[Path], reading: Reading) -> None:
        super().__init__(reading)
        self.table = table
        self.column = column
        self.folders = folders

    def __len__(self) -> int:
        return len(self.table)

    def open(self, position: int) -> Stream:
        """The encoded image of a row."""
        image = self.table[position][self.column] or {"bytes": None, "path": None}
        if image["bytes"] is None and image["path"] is None:
            raise ValueError("the row contains no image")
        if image["bytes"] is not None:
            return io.BytesIO(image["bytes"])
        path = os.path.realpath(image["path"])
        inside = (folder for folder in self.folders if path.startswith(os.path.join(os.path.realpath(folder), "")))
        return Tree(next(inside, self.folders[0]), follow_links=self.reading.follow_links).open(path)

    def where(self, position: int) -> str:
        """The row of the image."""
        return f"row {position} of the dataset"

    def fingerprint(self, positions: Labels) -> str:
        """A digest of the library's fingerprint of the table and the bytes of these images."""
        return hashlib.sha256(f"{self.table._fingerprint} {super().fingerprint(positions)}".encode()).hexdigest()


def load_hf(name: str, reading: Reading | None = None) -> Data:
    """A split of a dataset on the Hugging Face hub (or in its cache) or in a local folder; its code is never run.

    The default split is test, else validation, else the only one.

    Raises
    ------
    UsageError
        If the library or the dataset is not available, or it has no image or no label column.
    """
    try:
        import datasets
    except ImportError:
        raise UsageError("data 'hf/…' needs the datasets library: pip install 'robustkit[hf]'") from None

    where, _, split = name.partition(":")
    try:
        return _read(datasets, where, split, f"hf/{name}", reading or Reading())
    except RobustkitError:
        raise
    except Exception as error:
        cause = brief((str(error).splitlines() or [""])[0], 300) or type(error).__name__
        raise UsageError(
            f"data 'hf/{brief(where)}' cannot be loaded ({cause}): check the name, the network, or give a dataset's local folder"
        ) from error


def _read(datasets: Any, where: str, split: str, name: str, reading: Reading) -> Data:
    if any((Path(where) / saved).is_file() for saved in ("dataset_dict.json", "dataset_info.json")):
        found = datasets.load_from_disk(where)
    else:
        found = datasets.load_dataset(where)
    table = _split(found, where, split) if isinstance(found, dict) else found
    image, label = _columns(table, where)
    values = np.asarray(table.select_columns([label]).with_format("numpy")[:][label])
    feature = table.features[label]
    classes, note, what = None, None, f"labels {label!r} of {brief(where)}"
    if values.dtype.kind in "OU" and feature.dtype in ("string", "large_string"):
        texts = TextLabels()
        for text in values.tolist():
            texts.add(str(text))
        labels, classes, note = texts.read(what)
    else:
        labels = as_integers(values, what, len(table))
        classes = feature.names if isinstance(feature, datasets.ClassLabel) else None
    # Keep only the image column, so that other columns are not decoded. robustkit decodes the images, because the
    # library would let Pillow try every format.
    images = table.select_columns([image]).cast_column(image, datasets.Image(decode=False))
    config = datasets.config
    folders = [Path(where), *(Path(cache) for cache in (config.HF_DATASETS_CACHE, config.HF_CACHE_HOME))]
    source = HFSource(images, image, folders, reading)
    notes = [found for found in (note, source.orientation_note()) if found]
    return Data(source, labels, name=name, classes=classes, notes=notes)


def _split(tables: Any, name: str, split: str) -> Any:
    if split:
        if split not in tables:
            raise UsageError(f"data 'hf/{name}' has no split {split!r}: it has {', '.join(tables)}")
        return tables[split]
    chosen = next((known for known in ("test", "validation", "valid", "val") if known in tables), None)
    if chosen is None and len(tables) > 1:
        raise UsageError(f"data 'hf/{name}' has the splits {', '.join(tables)}: choose one with hf/{name}:SPLIT")
    return tables[chosen or next(iter(tables))]


def _columns(table: Any, name: str) -> tuple[str, str]:
    import datasets

    features = table.features
    images = [column for column, feature in features.items() if isinstance(feature, datasets.Image)]
    labels = [column for column, feature in features.items() if isinstance(feature, datasets.ClassLabel)]
    known = ("label", "labels", "fine_label", "target")
    plain = [name for name in known if any(kind in str(getattr(features.get(name), "dtype", "")) for kind in ("int", "string"))]
    if not images or not (labels or plain):
        raise UsageError(f"data 'hf/{name}' has columns {', '.join(features)}: expected an image and a class label column")
    ordered = sorted(labels, key=lambda column: column not in ("label", "labels", "fine_label"))
    return images[0], (ordered or plain)[0]
