"""Images the caller already has: a pair of tensors, a torch dataset or data loader."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset, Subset

from robustkit.data.base import BrokenImageError, Data
from robustkit.errors import UsageError


class TensorSource:
    """A tensor of images."""

    as_is = True

    def __init__(self, images: Tensor) -> None:
        self.images = images

    def image(self, position: int) -> Tensor:
        """One image as it is, on the CPU."""
        return self.images[position].detach().cpu()

    def fingerprint(self) -> str:
        """Every value."""
        digest = hashlib.sha256(f"{self.images.dtype}{tuple(self.images.shape)}".encode())
        for image in self.images:
            digest.update(image.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()


class DatasetSource:
    """A map-style torch dataset of (image, label); tensors are passed on as they are, PIL images are prepared."""

    as_is = True

    def __init__(self, dataset: Dataset[Any]) -> None:
        self.dataset = dataset

    def image(self, position: int) -> Image.Image | Tensor:
        """One item's image."""
        try:
            image = self.dataset[position][0]
        except Exception as error:
            raise BrokenImageError(
                f"sample {position} of {type(self.dataset).__name__} cannot be read ({error}): mend it, or leave such samples out "
                "with --skip-broken"
            ) from error
        if not isinstance(image, (Image.Image, Tensor)):
            raise UsageError(f"a dataset must yield (image, label) with a tensor or PIL image, not a {type(image).__name__}")
        return image

    def fingerprint(self) -> str:
        """The dataset's kind and length, and its first and last image: reading all of them is not cheap."""
        length = len(self.dataset)  # type: ignore[arg-type]
        digest = hashlib.sha256(f"{type(self.dataset).__qualname__} {length}".encode())
        for position in {0, length - 1}:
            digest.update(np.asarray(self.image(position)).tobytes())
        return digest.hexdigest()


def from_tensors(images: Tensor, labels: Tensor) -> Data:
    """Data of images ``(N, C, H, W)`` and labels ``(N,)``."""
    if images.ndim != 4:
        raise UsageError(f"images have shape {tuple(images.shape)}; expected (samples, channels, height, width)")
    if labels.shape != (len(images),) or labels.is_floating_point():
        raise UsageError(f"labels have shape {tuple(labels.shape)} and type {labels.dtype}; expected {len(images)} integers")
    return Data(TensorSource(images), labels.detach().cpu().numpy(), name="tensors")


def from_dataset(dataset: Dataset[Any]) -> Data:
    """Data of a map-style dataset. Its labels come from its ``targets`` or ``labels``; without them, every item is read once."""
    if isinstance(dataset, IterableDataset) or not hasattr(dataset, "__len__"):
        raise UsageError(f"{type(dataset).__name__} has no length and order: give a map-style dataset of (image, label)")
    return Data(DatasetSource(dataset), dataset_labels(dataset), name=type(dataset).__name__)


def dataset_labels(dataset: Any) -> NDArray[np.int64]:
    """The labels of a torch dataset, without decoding its images where it lists them."""
    if isinstance(dataset, Subset):
        return dataset_labels(dataset.dataset)[np.asarray(dataset.indices, dtype=np.int64)]
    if getattr(dataset, "target_transform", None) is None:
        for attribute in ("targets", "labels", "_labels"):
            found = getattr(dataset, attribute, None)
            if found is not None and np.shape(found) == (len(dataset),):
                return np.asarray(found, dtype=np.int64)
        pairs = getattr(dataset, "samples", None) or getattr(dataset, "_samples", None)
        if isinstance(pairs, list) and len(pairs) == len(dataset) and isinstance(pairs[0], tuple):
            return np.asarray([label for _, label in pairs], dtype=np.int64)
    return np.asarray([int(dataset[i][1]) for i in range(len(dataset))], dtype=np.int64)
