"""Data from the caller's own objects: a pair of tensors, or a torch dataset."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset, Subset

from robustkit.arrays import as_tensor, odd_kind
from robustkit.data.base import BrokenImageError, Data
from robustkit.data.labels import Labels, as_integers
from robustkit.errors import UsageError
from robustkit.global_state import own_random_state
from robustkit.identity import tensor_digest


class TensorSource:
    """A tensor of images."""

    as_is = True

    def __init__(self, images: Tensor) -> None:
        self.images = images

    def image(self, position: int) -> Tensor:
        """The unchanged image, on the CPU."""
        return self.images[position].detach().cpu()

    def where(self, position: int) -> str:
        """The number of the image."""
        return f"image {position}"

    def fingerprint(self, positions: Labels) -> str:
        """A digest of all values of these images."""
        digest = hashlib.sha256(f"{self.images.dtype}{tuple(self.images.shape[1:])}".encode())
        for position in positions:
            image = self.images[int(position)]
            digest.update(image.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()


class DatasetSource:
    """A map-style torch dataset of (image, label); tensors are passed on unchanged, PIL images are prepared."""

    as_is = True

    def __init__(self, dataset: Dataset[Any]) -> None:
        self.dataset = dataset

    def image(self, position: int) -> Image.Image | Tensor:
        """The image of an item."""
        try:
            image = self.dataset[position][0]
        except Exception as error:
            raise BrokenImageError.of(self.where(position), error) from error
        if not isinstance(image, (Image.Image, Tensor)):
            raise UsageError(f"a dataset must yield (image, label) with a tensor or PIL image, not a {type(image).__name__}")
        if isinstance(image, Tensor) and odd_kind(image):
            raise UsageError(
                f"{self.where(position)}: the image is a {odd_kind(image)} tensor; a dataset must yield dense tensors"
            )
        return image

    def where(self, position: int) -> str:
        """The number of the sample and the dataset's class."""
        return f"sample {position} of {type(self.dataset).__name__}"

    def fingerprint(self, positions: Labels) -> str:
        """A digest of the dataset's class and length, and the pixels of these images; each is decoded once, none is kept."""
        digest = hashlib.sha256(f"{type(self.dataset).__qualname__} {len(self.dataset)}".encode())  # type: ignore[arg-type]
        with own_random_state(torch.device("cpu"), seed=0):  # a random transform is identified by its draws for one seed
            for position in positions.tolist():
                try:
                    image = self.image(position)
                except BrokenImageError:
                    digest.update(b"broken")
                    continue
                if isinstance(image, Tensor):
                    digest.update(tensor_digest(image))
                else:
                    digest.update(f"{image.mode} {image.size} {image.getpalette()}".encode())
                    digest.update(image.tobytes())
        return digest.hexdigest()


def from_tensors(images: Any, labels: Any) -> Data:
    """Data with images ``(N, C, H, W)`` and labels ``(N,)``: tensors, NumPy arrays or nested lists."""
    images, labels = as_tensor(images, "images"), as_tensor(labels, "labels")
    if images.ndim != 4:
        raise UsageError(f"images have shape {tuple(images.shape)}; expected (samples, channels, height, width)")
    integers = as_integers(labels.detach().cpu().numpy(), "labels", len(images))
    return Data(TensorSource(images), integers, name="tensors")


def from_dataset(dataset: Dataset[Any]) -> Data:
    """Data from a map-style dataset. Labels come from its ``targets`` or ``labels``; without them, every item is read once."""
    if isinstance(dataset, IterableDataset) or not hasattr(dataset, "__len__"):
        raise UsageError(f"{type(dataset).__name__} has no length and order: give a map-style dataset of (image, label)")
    return Data(DatasetSource(dataset), dataset_labels(dataset), name=type(dataset).__name__)


def dataset_labels(dataset: Any) -> Labels:
    """The labels of a torch dataset, without decoding images if the dataset lists them.

    Raises
    ------
    UsageError
        If they are not one integer per sample, or cannot be read.
    """
    kind = type(dataset).__name__
    try:
        found = _listed(dataset)
        if found is None and len(dataset) and np.ndim(dataset[0][1]):
            raise UsageError(f"the items of {kind} are not pairs of an image and a class: their second part has several values")
        values = np.asarray([dataset[i][1] for i in range(len(dataset))] if found is None else found)
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(
            f"the labels of {kind} cannot be read ({type(error).__name__}: {error}): give (image, label)"
        ) from error
    if values.dtype.kind == "b" or (
        values.dtype.kind == "f" and np.array_equal(values, np.trunc(values)) and np.isfinite(values).all()
    ):
        values = values.astype(np.int64)
    return as_integers(values, f"labels of {kind}", len(dataset))


def _listed(dataset: Any) -> Any:
    """The labels listed by a dataset; None if it lists none."""
    if isinstance(dataset, Subset):
        return dataset_labels(dataset.dataset)[np.asarray(dataset.indices, dtype=np.int64)]
    if getattr(dataset, "target_transform", None) is None:
        for attribute in ("targets", "labels", "_labels"):
            found = getattr(dataset, attribute, None)
            if found is not None and np.shape(found) == (len(dataset),):
                return found
        pairs = getattr(dataset, "samples", None) or getattr(dataset, "_samples", None)
        if isinstance(pairs, list) and len(pairs) == len(dataset) and isinstance(pairs[0], tuple):
            return [label for _, label in pairs]
    return None
