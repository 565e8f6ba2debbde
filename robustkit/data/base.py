"""Labelled images, read on demand: the whole set is never in memory."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from robustkit.contracts.model import Model
from robustkit.contracts.samples import Samples
from robustkit.data.files import shown
from robustkit.data.labels import Labels
from robustkit.data.matching import match_labels
from robustkit.data.prepare import prepare
from robustkit.data.reading import ClassOrder
from robustkit.errors import UsageError
from robustkit.rng import derive_key
from robustkit.spec import InputSpec


class BrokenImageError(UsageError):
    """An image of a data set cannot be read."""

    @classmethod
    def of(cls, where: str, error: Exception) -> BrokenImageError:
        """The error for an image, described by `where`, and its cause."""
        cause = " ".join(str(error).split())[:300] or type(error).__name__
        return cls(f"{where} cannot be read ({cause}): fix or remove it, or skip such images in an audit with --skip-broken")


class Source(Protocol):
    """A source of images by position in the full set."""

    as_is: bool
    """Whether the images (tensors of the caller) are passed to the model unchanged, not resized and scaled."""

    def image(self, position: int) -> Image.Image | Tensor:
        """A decoded image, or a tensor ``(C, H, W)``. Raises any error if it cannot be read."""
        ...

    def where(self, position: int) -> str:
        """A description of the image for messages."""
        ...

    def fingerprint(self, positions: Labels) -> str:
        """A digest of the images at these positions."""
        ...


class Data:
    """Labelled images by position, read on demand.

    Parameters
    ----------
    source
        The source of the images.
    labels
        One class per sample, ``(N,)`` integers.
    classes
        The name of each label; None if they have none.
    name
        Its name in reports.
    ids
        The position of each sample in `source`; None for all of them in order.
    class_order
        How to match classes whose names are numbers with the model's; None uses the numbers where they fit.
    notes
        Sentences on how the data were read, if it affects results.

    Attributes
    ----------
    mapping
        The model's label for each class of the data, after matching with a model.
    skipped
        One sentence for each image skipped by ``batches(skip_broken=True)``.
    """

    def __init__(
        self,
        source: Source,
        labels: Labels,
        *,
        name: str,
        classes: Sequence[str] | None = None,
        ids: Labels | None = None,
        class_order: ClassOrder | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        self.source = source
        self.labels = np.asarray(labels, dtype=np.int64)
        self.ids = np.arange(len(self.labels), dtype=np.int64) if ids is None else ids
        self.classes = None if classes is None else tuple(classes)
        self.name = shown(name)
        self.class_order = class_order
        self.notes = tuple(notes)
        self.mapping: dict[str, int] = {}
        self.skipped: list[str] = []

    def __len__(self) -> int:
        return len(self.labels)

    def subset(self, positions: Sequence[int] | NDArray[np.int64]) -> Data:
        """The samples at these positions, in this order; they keep their ids in the full set."""
        chosen = np.asarray(positions, dtype=np.int64)
        part = copy.copy(self)
        part.labels, part.ids, part.skipped = self.labels[chosen], self.ids[chosen], []
        return part

    def limit(self, n: int, seed: int = 0) -> Data:
        """At most `n` samples with the same share of each class, in their original order.

        Raises
        ------
        UsageError
            If `n` is below 1.
        """
        if n < 1:
            raise UsageError(f"limit={n} leaves no samples to evaluate: give at least 1")
        if n >= len(self):
            return self
        found, counts = np.unique(self.labels, return_counts=True)
        exact = counts * (n / len(self))
        quota = np.floor(exact).astype(int)
        quota[np.argsort(quota - exact, kind="stable")[: n - quota.sum()]] += 1  # the largest remainders
        chosen = []
        for label, share in zip(found, quota, strict=True):
            generator = np.random.default_rng(derive_key(seed, f"limit of class {label}"))
            chosen.append(generator.permutation(np.flatnonzero(self.labels == label))[:share])
        return self.subset(np.sort(np.concatenate(chosen)))

    def matched(self, model: Model) -> Data:
        """The same samples with labels converted to the model's classes.

        Labels without names are not changed. Named classes are matched with the model's by name, then as numbers
        (folder ``006`` is class 6), then by order if there are as many as the model has.

        Raises
        ------
        UsageError
            If a class is not one of the model's, or a label is outside them.
        """
        if not len(self):
            return self
        total = model.num_classes(self._first(model.spec)[None])
        match = match_labels(
            self.labels, self.classes, model.classes, total, data=self.name, model=model.name, order=self.class_order
        )
        matched = copy.copy(self)
        matched.labels, matched.classes, matched.skipped = match.labels[self.labels], match.names, []
        matched.notes = self.notes if match.note is None else (*self.notes, match.note)
        if self.classes is not None:
            matched.mapping = {self.classes[label]: int(match.labels[label]) for label in np.unique(self.labels)}
        return matched

    def _first(self, spec: InputSpec) -> Tensor:
        """The first readable image, ``(C, H, W)``."""
        for position in self.ids:
            try:
                return self._read(int(position), spec)
            except BrokenImageError:
                continue
        raise UsageError(f"no image of {self.name} can be read")

    def _read(self, position: int, spec: InputSpec) -> Tensor:
        try:
            image = self.source.image(position)
            return image if self.source.as_is and isinstance(image, Tensor) else prepare(image, spec)
        except UsageError:
            raise
        # Decoders raise many kinds of error on a damaged file.
        except Exception as error:
            raise BrokenImageError.of(self.source.where(position), error) from error

    def batches(self, spec: InputSpec, batch_size: int, *, skip_broken: bool = False) -> Iterator[Samples]:
        """The samples in batches of `batch_size` (the last may be smaller): float32 images within the bounds of `spec`.

        Tensors given by the caller are passed on unchanged.

        Parameters
        ----------
        spec
            How images are prepared for the model.
        skip_broken
            Skip images that cannot be read and list them in `skipped`, instead of raising.

        Raises
        ------
        UsageError
            If an image cannot be read, or images of a batch differ in size and `spec` has none.
        """
        kept: list[tuple[Tensor, int]] = []
        for index, position in enumerate(self.ids):
            try:
                kept.append((self._read(int(position), spec), index))
            except BrokenImageError as error:
                if not skip_broken:
                    raise
                if str(error) not in self.skipped:
                    self.skipped.append(str(error))
            if len(kept) == batch_size:
                yield self._stack(kept)
                kept = []
        if kept:
            yield self._stack(kept)

    def _stack(self, kept: list[tuple[Tensor, int]]) -> Samples:
        images = [image for image, _ in kept]
        index = [index for _, index in kept]
        for image in images:
            if image.shape != images[0].shape:
                raise UsageError(
                    f"images of {self.name} differ in size ({tuple(images[0].shape)} and {tuple(image.shape)}), but the model "
                    "has no fixed size: resize them, or give the model an InputSpec(size=(height, width))"
                )
        return Samples(torch.stack(images), torch.from_numpy(self.labels[index]), torch.from_numpy(self.ids[index]))

    def torch_dataset(self, spec: InputSpec) -> Dataset[tuple[Tensor, int]]:
        """A map-style dataset of (image ``(C, H, W)``, label), for a training loop's DataLoader."""
        return _MapStyle(self, spec)

    def fingerprint(self) -> str:
        """A hexadecimal digest of the images, the labels and their order."""
        digest = hashlib.sha256(self.source.fingerprint(self.ids).encode())
        digest.update(self.ids.tobytes())
        digest.update(self.labels.tobytes())
        return digest.hexdigest()


class _MapStyle(Dataset[tuple[Tensor, int]]):
    def __init__(self, data: Data, spec: InputSpec) -> None:
        self.data = data
        self.spec = spec

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.data._read(int(self.data.ids[index]), self.spec), int(self.data.labels[index])
