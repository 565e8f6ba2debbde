"""Data by name: ``builtin/fashion``, ``folder:photos``, ``npz:test.npz``, ``csv:labels.csv``, ``torchvision/CIFAR10`` …"""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from robustkit.data.base import Data
from robustkit.data.files import brief
from robustkit.data.reading import ClassOrder, Reading
from robustkit.errors import UsageError, did_you_mean
from robustkit.rng import check_seed

SOURCES = {
    "builtin/": ("builtin/fashion", "images shipped with robustkit"),
    "folder:": ("folder:photos", "a folder with one folder of images per class"),
    "npz:": ("npz:test.npz", "a NumPy archive of images x and labels y; npz:FILE:train reads x_train and y_train"),
    "csv:": ("csv:labels.csv", "a table of image files, relative to the table's folder, and their labels"),
    "parquet:": ("parquet:test.parquet", "a table of labels and image files, or images as Hugging Face writes them"),
    "webdataset:": ("webdataset:test-{00..09}.tar", "local tar files of KEY.jpg and KEY.cls, or KEY.json with a label"),
    "torchvision/": ("torchvision/CIFAR10", "a torchvision dataset's test split; torchvision/CIFAR10:train for the other"),
    "hf/": ("hf/owner/name", "a Hugging Face dataset with an image and a label column; hf/owner/name:split"),
}


def load_data(
    name: str,
    *,
    limit: int | None = None,
    seed: int = 0,
    class_order: ClassOrder | None = None,
    follow_links: bool = False,
    exif: bool = False,
) -> Data:
    """Labelled images by name. Images are decoded on demand.

    Parameters
    ----------
    name
        ``builtin/fashion``, ``folder:PATH``, ``npz:PATH``, ``csv:PATH``, ``parquet:PATH``, ``webdataset:PATTERN``,
        ``torchvision/NAME[:split]`` or ``hf/owner/name[:split]``.
    limit
        Maximum number of samples, with the same share of each class; None for all.
    seed
        Seed for choosing the samples of a limit.
    class_order
        How to match classes whose names are numbers with a model's: by ``number`` (folder 10 is class 10), or by ``name``,
        in sorted order, as torchvision's ``ImageFolder`` does (folder 10 comes after 1). None uses the numbers if the
        model has such classes, and adds a note if that matters.
    follow_links
        Let links lead out of the data's folder; their targets become part of the data and the report.
    exif
        Apply the EXIF orientation of images.

    Raises
    ------
    UsageError
        If there is no such data, or it cannot be read.
    UnsafeFileError
        If reading it could run code.
    """
    check_seed(seed)
    if class_order not in (None, "number", "name"):
        raise UsageError(f"class_order={class_order!r} is unknown: write number or name")
    data = _open(name, Reading(follow_links=follow_links, exif=exif))
    data.class_order = class_order
    return data if limit is None else data.limit(limit, seed)


def _open(name: str, reading: Reading) -> Data:
    prefix = next((prefix for prefix in SOURCES if name.startswith(prefix)), None)
    rest = name.removeprefix(prefix or "")
    match prefix:
        case "builtin/":
            from robustkit.data.builtin_data import load_builtin

            return load_builtin(rest)
        case "folder:":
            from robustkit.data.folder import load_folder

            return load_folder(rest, reading)
        case "npz:":
            from robustkit.data.npz import load_npz

            return load_npz(rest)
        case "csv:":
            from robustkit.data.csv_data import load_csv

            return load_csv(rest, reading)
        case "parquet:":
            from robustkit.data.parquet_data import load_parquet

            return load_parquet(rest, reading)
        case "webdataset:":
            from robustkit.data.webdataset import load_webdataset

            return load_webdataset(rest, reading)
        case "torchvision/":
            from robustkit.data.torchvision_data import load_torchvision

            return load_torchvision(rest)
        case "hf/":
            from robustkit.data.hf_data import load_hf

            return load_hf(rest, reading)
    kind = brief(name).split(":")[0].split("/")[0]
    examples = [example for example, _ in SOURCES.values()]
    hint = did_you_mean(kind, [prefix[:-1] for prefix in SOURCES])
    raise UsageError(f"data {brief(name)!r} is unknown: {hint} Write it as one of {', '.join(examples)}.")


def as_data(data: Data | tuple[Any, Any] | Dataset[Any] | DataLoader[Any] | str) -> Data:
    """Data from a name, a pair (images, labels), a map-style dataset or a data loader of one.

    The pair may be tensors, NumPy arrays or nested lists. Tensors are not changed and must be valid model inputs. A loader's
    order and batch size are ignored.

    Raises
    ------
    UsageError
        If it is none of these.
    """
    from robustkit.data.tensors import from_dataset, from_tensors

    if isinstance(data, Data):
        return data
    if isinstance(data, str):
        return load_data(data)
    if (
        isinstance(data, (tuple, list))
        and len(data) == 2
        and all(isinstance(p, (Tensor, np.ndarray, list, tuple)) for p in data)
    ):
        return from_tensors(*data)
    if isinstance(data, DataLoader):
        return from_dataset(data.dataset)
    if isinstance(data, Dataset) or (hasattr(data, "__getitem__") and hasattr(data, "__len__") and len(data) != 2):
        return from_dataset(data)
    raise UsageError(f"data is a {type(data).__name__}: give a name, a pair (images, labels), a torch Dataset or a DataLoader")
