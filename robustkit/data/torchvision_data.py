"""``torchvision/NAME[:split]``: torchvision's datasets, from files on disk."""

from __future__ import annotations

import gzip
import inspect
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor

from robustkit.data.base import Data
from robustkit.data.decode import without_ghostscript
from robustkit.data.files import brief
from robustkit.data.labels import Labels
from robustkit.data.tensors import DatasetSource, dataset_labels
from robustkit.errors import UsageError, did_you_mean

_PLAIN = inspect.Parameter.POSITIONAL_OR_KEYWORD
DEBIAN_FASHION = Path("/usr/share/datasets/fashion-mnist")


class TorchvisionSource(DatasetSource):
    """A torchvision dataset, whose items are PIL images."""

    as_is = False

    def __init__(self, dataset: Any, name: str) -> None:
        super().__init__(dataset)
        self.name = name

    def image(self, position: int) -> Image.Image | Tensor:
        """The image, opened by torchvision's code."""
        with without_ghostscript():
            return super().image(position)

    def fingerprint(self, positions: Labels) -> str:
        """The dataset's name and split, with a digest of its length and the pixels of these images."""
        return f"{self.name} {super().fingerprint(positions)}"


def data_root() -> Path:
    """The folder of datasets: ROBUSTKIT_DATA, else ~/.cache/robustkit."""
    return Path(os.environ.get("ROBUSTKIT_DATA") or Path.home() / ".cache" / "robustkit")


def load_torchvision(name: str) -> Data:
    """A split of a torchvision dataset, by default the test split. Nothing is downloaded.

    Raises
    ------
    UsageError
        If the dataset or the split is unknown, or its files are missing; the message says how to get them.
    """
    from torchvision import datasets

    short, _, split = name.partition(":")
    kind = getattr(datasets, short, None)
    known = [entry for entry in datasets.__all__ if _options(getattr(datasets, entry), "test") is not None]
    options = _options(kind, split or "test") if short in known else None
    if options is None:
        if inspect.isclass(kind) and issubclass(kind, datasets_base()) and short in datasets.__all__:
            raise UsageError(
                f"data 'torchvision/{short}' is not a set of images and classes with a test split: create the Dataset of "
                "(image, label) yourself, and pass it to robustkit.audit"
            )
        raise UsageError(f"data 'torchvision/{brief(short)}' is unknown: {did_you_mean(brief(short), known)}")
    root = data_root()
    if short == "FashionMNIST":
        _unpack_debian(root)
    try:
        dataset = kind(str(root), **options)  # type: ignore[misc]
    except ValueError as error:
        raise UsageError(f"data 'torchvision/{name}' has no split {split or 'test'!r}: {error}") from error
    except Exception as error:
        fetch = f"torchvision.datasets.{short}({str(root)!r}, download=True)"
        if short == "FashionMNIST":
            fetch += ", or on Debian with apt install dataset-fashion-mnist"
        cause = f"are damaged ({type(error).__name__}: {error}) in" if _present(error) else "are not in"
        raise UsageError(
            f"the files of 'torchvision/{short}' {cause} {root} (ROBUSTKIT_DATA): get them once with {fetch}"
        ) from error
    full = f"torchvision/{short}:{split or 'test'}"
    classes = getattr(dataset, "classes", None)
    return Data(TorchvisionSource(dataset, full), dataset_labels(dataset), name=full, classes=_names(classes))


def _options(kind: Any, split: str) -> dict[str, Any] | None:
    """The constructor arguments for a split of a dataset; None if it is not a dataset of labelled images with splits."""
    if not inspect.isclass(kind) or not issubclass(kind, datasets_base()):
        return None
    parameters = inspect.signature(kind).parameters
    needed = {
        name for name, parameter in parameters.items() if parameter.default is parameter.empty and parameter.kind is _PLAIN
    }
    if needed - {"root", "split", "train"}:  # such as Kinetics, whose videos need a number of frames
        return None
    if "train" in parameters:
        if split not in ("train", "test"):
            raise UsageError(f"split {split!r} of {kind.__name__} is unknown: write train or test")
        return {"train": split == "train"}
    if "split" in parameters:
        # The labelled test images of ImageNet and Imagenette are the split val.
        # EMNIST's splits are sets of characters, each with a test part.
        named = {"split": "val" if split == "test" and kind.__name__ in ("ImageNet", "Imagenette") else split}
        return named | {"train": False} if kind.__name__ == "EMNIST" else named
    if kind.__name__ == "ImageNet":  # takes its split through **kwargs in some versions
        return {"split": "val" if split == "test" else split}
    return None


def datasets_base() -> type:
    """The base class of all torchvision datasets."""
    from torchvision.datasets import VisionDataset

    base: type = VisionDataset
    return base


def _present(error: Exception) -> bool:
    """Whether the files exist but are damaged; torchvision reports missing files with one of these two errors."""
    return not isinstance(error, (RuntimeError, OSError))


def _names(classes: Sequence[Any] | None) -> list[str] | None:
    if not classes:
        return None
    return [", ".join(name) if isinstance(name, tuple) else str(name) for name in classes]


def _unpack_debian(root: Path) -> None:
    """Unpack Debian's Fashion-MNIST, if it is installed, to the folder that torchvision uses."""
    raw = root / "FashionMNIST" / "raw"
    for packed in sorted(DEBIAN_FASHION.glob("*-ubyte.gz")):
        target = raw / packed.name.removesuffix(".gz")
        if target.exists():
            continue
        raw.mkdir(parents=True, exist_ok=True)
        with gzip.open(packed) as source, tempfile.NamedTemporaryFile(dir=raw, delete=False) as part:
            shutil.copyfileobj(source, part)
        os.replace(part.name, target)
