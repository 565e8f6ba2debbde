"""Which of the model's classes each class of the data is."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustkit.errors import UsageError

Match = tuple[NDArray[np.int64], tuple[str, ...] | None]


def match_labels(
    labels: NDArray[np.int64],
    classes: Sequence[str] | None,
    model_classes: Sequence[str] | None,
    total: int,
    *,
    data: str,
    model: str,
) -> Match:
    """The model's class for each label of the data, and the names of the model's classes as far as they are known.

    Parameters
    ----------
    labels
        The labels that occur, ``(N,)``.
    classes, model_classes
        The names of the data's labels and of the model's classes, where there are any.
    total
        How many classes the model has.
    data, model
        Their names, for messages.

    Raises
    ------
    UsageError
        If a class of the data is not one of the model's, or a label is outside them.
    """
    known = None if model_classes is None else tuple(model_classes)
    if classes is None:
        low, high = int(labels.min()), int(labels.max())
        if low < 0 or high >= total:
            raise UsageError(f"labels of {data} span {low} to {high}, but {model} has {total} classes (0 to {total - 1})")
        return np.arange(high + 1, dtype=np.int64), known
    mapping = _exactly(classes, known)
    if mapping is None:
        mapping = _as_numbers(classes, total) or _as_synsets(classes, total)
    unmatched = None
    if mapping is None:
        found = _by_name(classes, known or ())
        lost = [name for name, index in zip(classes, found, strict=True) if index is None]
        # Where the names are numbers, the one that is too great says more than the first.
        unmatched = next((name for name in lost if _as_numbers([name], total) is None), None) or next(iter(lost), None)
        if unmatched is None:
            mapping = [index for index in found if index is not None]
        elif len(classes) == total and not any(index is not None for index in found):
            # As many classes and not one shared name: the same order is the only reading left.
            mapping = list(range(total))
            known = known or tuple(classes)
    if mapping is None:
        raise UsageError(
            f"class {unmatched!r} of {data} is not one of the {total} classes of {model}: name each class as the model does, or "
            f"by its number (such as 006), or give exactly the model's {total} classes in its order"
        )
    return np.asarray(mapping, dtype=np.int64), known


def _exactly(classes: Sequence[str], known: Sequence[str] | None) -> list[int] | None:
    """First, since folders 0, 1, 10, 2 of a model trained on them are not in the order of their numbers."""
    if known is None:
        return None
    if tuple(classes) == tuple(known):
        return list(range(len(known)))
    if len(set(known)) != len(known) or not set(classes) <= set(known):
        return None
    return [list(known).index(name) for name in classes]


def _as_numbers(classes: Sequence[str], total: int) -> list[int] | None:
    if all(name.isascii() and name.isdigit() and int(name) < total for name in classes):
        return [int(name) for name in classes]
    return None


def _as_synsets(classes: Sequence[str], total: int) -> list[int] | None:
    """ImageNet's own folder names (``n01440764``), for a model that has its 1,000 classes."""
    if total != 1000 or not all(name.startswith("n") and name[1:].isdigit() and len(name) == 9 for name in classes):
        return None
    info: Any = importlib.import_module("timm.data").ImageNetInfo("imagenet-1k")
    index = {synset: position for position, synset in enumerate(info.label_names())}
    return [index[name] for name in classes] if set(classes) <= index.keys() else None


def _by_name(classes: Sequence[str], known: Sequence[str]) -> list[int | None]:
    """Ignoring case and underscores; a class with synonyms (``tabby, tabby cat``) answers to each. Ambiguous is None."""
    whole: dict[str, set[int]] = {}
    parts: dict[str, set[int]] = {}
    for index, name in enumerate(known):
        whole.setdefault(_plain(name), set()).add(index)
        for part in name.split(","):
            parts.setdefault(_plain(part), set()).add(index)

    def find(name: str) -> int | None:
        for answers in [whole.get(_plain(name)), *(parts.get(_plain(part)) for part in (name, *name.split(",")))]:
            if answers is not None and len(answers) == 1:
                return next(iter(answers))
        return None

    return [find(name) for name in classes]


def _plain(name: str) -> str:
    return " ".join(name.replace("_", " ").replace("-", " ").casefold().split())
