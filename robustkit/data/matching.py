"""Matching of the data's classes with the model's."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from robustkit.data.reading import ClassOrder
from robustkit.errors import UsageError


class Match(NamedTuple):
    """The model's label for each label of the data, the names of the model's classes, and a note for the user."""

    labels: NDArray[np.int64]
    names: tuple[str, ...] | None
    note: str | None = None


def match_labels(
    labels: NDArray[np.int64],
    classes: Sequence[str] | None,
    model_classes: Sequence[str] | None,
    total: int,
    *,
    data: str,
    model: str,
    order: ClassOrder | None = None,
) -> Match:
    """The model's class for each label of the data, and the names of the model's classes if known.

    Parameters
    ----------
    labels
        The data's labels, ``(N,)``.
    classes, model_classes
        The names of the data's labels and of the model's classes, if any.
    total
        The model's number of classes.
    data, model
        Their names, for messages.
    order
        How to read names that are numbers: as numbers, or in the order of the data's classes (sorted by name, for folders);
        None uses the numbers if the model has such classes.

    Raises
    ------
    UsageError
        If a class of the data is not one of the model's, or a label is outside them.
    """
    known = None if model_classes is None else tuple(model_classes)
    low, high = int(labels.min()), int(labels.max())
    if classes is None:
        if low < 0 or high >= total:
            raise UsageError(f"labels of {data} span {low} to {high}, but {model} has {total} classes (0 to {total - 1})")
        return Match(np.arange(high + 1, dtype=np.int64), known)
    if low < 0 or high >= len(classes):
        raise UsageError(
            f"labels of {data} span {low} to {high}, but it names {len(classes)} classes (0 to {len(classes) - 1}): "
            f"{'it may have no labels' if low < 0 else 'fix the labels or the names'}"
        )
    exact = _exactly(classes, known)
    if exact is not None:
        return Match(np.asarray(exact, dtype=np.int64), known)
    numbers = [number for number in map(_number, classes) if number is not None]
    if len(numbers) == len(classes):
        read = _numbered(numbers, total, order, classes)
        if read is not None:
            taken, remark = read
            if remark is None and order is None and max(numbers) >= total:
                ends = (f"{classes[k]!r} for label {taken[k]}{f' ({known[taken[k]]})' if known else ''}" for k in (0, -1))
                remark = (
                    f"The classes of {data} are numbers up to {max(numbers)}, but the labels of {model} end at {total - 1}: they are "
                    f"matched in order, {' to '.join(ends)}."
                )
            return Match(np.asarray(taken, dtype=np.int64), known, remark)
    elif order == "number":
        raise UsageError(f"classes of {data} are not numbers, such as {classes[0]!r}: omit --class-order number")
    mapping = _as_synsets(classes, total)
    found = _by_name(classes, known or ())
    lost = [name for name, index in zip(classes, found, strict=True) if index is None]
    note = None
    if mapping is None and not lost:
        mapping = [index for index in found if index is not None]
    elif mapping is None and len(classes) == total and len(lost) == total:
        # With equally many classes and no common name, only a match by order remains.
        mapping = list(range(total))
        if known is not None:
            note = (
                f"No class of {data} has the name of a class of {model}: they are matched in order, {classes[0]!r} for {known[0]!r} "
                f"to {classes[-1]!r} for {known[-1]!r}."
            )
        known = known or tuple(classes)
    if mapping is None:
        # If the names are numbers, one that is too large is more informative than the first.
        unmatched = next((name for name in lost if (_number(name) or 0) >= total), lost[0])
        raise UsageError(
            f"class {unmatched!r} of {data} is not one of the {total} classes of {model}: use the model's class names or "
            f"numbers (such as 006), or give exactly the model's {total} classes in its order"
        )
    return Match(np.asarray(mapping, dtype=np.int64), known, note)


def _numbered(
    numbers: Sequence[int], total: int, order: ClassOrder | None, names: Sequence[str]
) -> tuple[list[int], str | None] | None:
    """The labels of classes whose names are numbers, and a note if they are ambiguous; None if they cannot be matched."""
    by_number = by_name = None
    if max(numbers) < total:
        by_number = list(numbers)
    elif len(numbers) == total == len(set(numbers)):  # such as 1 to 10
        by_number = np.argsort(np.argsort(numbers)).tolist()
    if len(numbers) == total:
        by_name = list(range(total))
    elif by_number is not None:  # some classes have no images: rank the others among all names
        padded = max(map(len, names)) if any(name.startswith("0") and len(name) > 1 for name in names) else 0
        every = {number: f"{number:0{padded}d}" for number in range(total)} | dict(zip(numbers, names, strict=True))
        places = {number: place for place, number in enumerate(sorted(every, key=lambda number: every[number]))}
        by_name = [places[number] for number in numbers]
    chosen = order or ("number" if by_number is not None and max(numbers) < total else "name")
    mapping = by_number if chosen == "number" else by_name
    if mapping is None and order == "name":
        raise UsageError(
            f"the data has {len(numbers)} classes, up to {max(numbers)}, but the model has {total}: --class-order name needs numbers "
            f"below {total}, or as many classes; give the names in the model's order with --classes"
        )
    if mapping is None or order is not None or by_number is None or by_name is None or by_number == by_name:
        return None if mapping is None else (mapping, None)
    here = next(index for index in range(len(numbers)) if by_number[index] != by_name[index])
    ways = {
        "number": f"as a number (label {by_number[here]})",
        "name": f"in the order of the names, as torchvision's ImageFolder does (label {by_name[here]})",
    }
    other = "name" if chosen == "number" else "number"
    return mapping, (
        f"Class {names[here]!r} and others are read {ways[chosen]}, but could be read {ways[other]}: use --class-order {other} "
        f"(class_order={other!r}) for that, or --class-order {chosen} to confirm."
    )


def _exactly(classes: Sequence[str], known: Sequence[str] | None) -> list[int] | None:
    """The labels if the model has all class names; tried first, because folders 0, 1, 10, 2 are not in numerical order."""
    if known is None:
        return None
    if tuple(classes) == tuple(known):
        return list(range(len(known)))
    if len(set(known)) != len(known) or not set(classes) <= set(known):
        return None
    return [list(known).index(name) for name in classes]


def _number(name: str) -> int | None:
    return int(name) if name.isascii() and name.isdigit() and len(name) < 18 else None


def _as_synsets(classes: Sequence[str], total: int) -> list[int] | None:
    """The labels of ImageNet's folder names (``n01440764``), for a model with its 1,000 classes."""
    if total != 1000 or not all(name.startswith("n") and name[1:].isdigit() and len(name) == 9 for name in classes):
        return None
    info: Any = importlib.import_module("timm.data").ImageNetInfo("imagenet-1k")
    index = {synset: position for position, synset in enumerate(info.label_names())}
    return [index[name] for name in classes] if set(classes) <= index.keys() else None


def _by_name(classes: Sequence[str], known: Sequence[str]) -> list[int | None]:
    """The labels by name, ignoring case and underscores; any synonym (``tabby, tabby cat``) matches. None if ambiguous."""
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
