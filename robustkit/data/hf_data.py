"""``hf/owner/name[:split]``: a Hugging Face dataset of images and labels, read from its memory-mapped table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from robustkit.data.base import BrokenImageError, Data
from robustkit.errors import UsageError


class HFSource:
    """The image column of a table."""

    as_is = False

    def __init__(self, table: Any, column: str) -> None:
        self.table = table
        self.column = column

    def image(self, position: int) -> Image.Image:
        """Decode one row's image."""
        try:
            image = self.table[position][self.column]
            image.load()
        except Exception as error:
            raise BrokenImageError(
                f"row {position} of the dataset cannot be read ({error}): mend it, or leave such rows out with --skip-broken"
            ) from error
        assert isinstance(image, Image.Image)
        return image

    def fingerprint(self) -> str:
        """The one the library keeps of the table, and its length."""
        return f"{self.table._fingerprint} {len(self.table)}"


def load_hf(name: str) -> Data:
    """A split of a dataset on the Hugging Face hub (or in its cache) or in a local folder; code in it is never run.

    Without a split, the test split is taken, else the validation split, else the only one.

    Raises
    ------
    UsageError
        If the library or the dataset is not there, or it has no image or no label column.
    """
    try:
        import datasets
    except ImportError:
        raise UsageError("data 'hf/…' needs the datasets library: pip install 'robustkit[hf]'") from None

    where, _, split = name.partition(":")
    try:
        if (Path(where) / "dataset_dict.json").is_file() or (Path(where) / "dataset_info.json").is_file():
            found = datasets.load_from_disk(where)
        else:
            found = datasets.load_dataset(where)
    except Exception as error:
        cause = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(
            f"data 'hf/{where}' cannot be loaded ({cause}): check the name, the network, or give a dataset's local folder"
        ) from error
    table = _split(found, where, split) if isinstance(found, dict) else found
    image, label = _columns(table, where)
    labels = table.select_columns([label]).with_format("numpy")[:][label]
    feature = table.features[label]
    classes = feature.names if isinstance(feature, datasets.ClassLabel) else None
    # Only the image column from here on: a row's other columns need not be decoded.
    return Data(HFSource(table.select_columns([image]), image), np.asarray(labels), name=f"hf/{name}", classes=classes)


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
    plain = [c for c in ("label", "labels", "fine_label", "target") if "int" in str(getattr(features.get(c), "dtype", ""))]
    if not images or not (labels or plain):
        raise UsageError(f"data 'hf/{name}' has columns {', '.join(features)}: expected an image and a class label column")
    ordered = sorted(labels, key=lambda column: column not in ("label", "labels", "fine_label"))
    return images[0], (ordered or plain)[0]
