"""Which of the model's classes each class of the data is."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from robustkit.data.reading import ClassOrder
from robustkit.errors import UsageError


class Match(NamedTuple):
    """The model's label for each label of the data, the names of the model's classes, and what is worth knowing about it."""

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
    order
        How names that are numbers are read: as numbers, or in the order of the data's classes (sorted by name, for folders);
        None takes the numbers where the model has such classes.

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
            f"{'it may have no labels' if low < 0 else 'mend the labels or the names'}"
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
                    f"The classes of {data} are numbers up to {max(numbers)}, and the labels of {model} end at {total - 1}: they are "
                    f"taken in their order, {' to '.join(ends)}."
                )
            return Match(np.asarray(taken, dtype=np.int64), known, remark)
    elif order == "number":
        raise UsageError(f"classes of {data} are not numbers, such as {classes[0]!r}: leave out --class-order number")
    mapping = _as_synsets(classes, total)
    found = _by_name(classes, known or ())
    lost = [name for name, index in zip(classes, found, strict=True) if index is None]
    note = None
    if mapping is None and not lost:
        mapping = [index for index in found if index is not None]
    elif mapping is None and len(classes) == total and len(lost) == total:
        # As many classes and not one shared name: the same order is the only reading left.
        mapping = list(range(total))
        if known is not None:
            note = (
                f"No class of {data} has a name of {model}'s: they are taken in their order, {classes[0]!r} for {known[0]!r} to "
                f"{classes[-1]!r} for {known[-1]!r}."
            )
        known = known or tuple(classes)
    if mapping is None:
        # Where the names are numbers, the one that is too great says more than the first.
        unmatched = next((name for name in lost if (_number(name) or 0) >= total), lost[0])
        raise UsageError(
            f"class {unmatched!r} of {data} is not one of the {total} classes of {model}: name each class as the model does, or "
            f"by its number (such as 006), or give exactly the model's {total} classes in its order"
        )
    return Match(np.asarray(mapping, dtype=np.int64), known, note)


def _numbered(
    numbers: Sequence[int], total: int, order: ClassOrder | None, names: Sequence[str]
) -> tuple[list[int], str | None] | None:
    """Classes whose names are numbers: the label of each, and a note where they could be read otherwise; None if not at all."""
    by_number = by_name = None
    if max(numbers) < total:
        by_number = list(numbers)
    elif len(numbers) == total == len(set(numbers)):  # such as 1 to 10
        by_number = np.argsort(np.argsort(numbers)).tolist()
    if len(numbers) == total:
        by_name = list(range(total))
    elif by_number is not None:  # some classes have no images: the place of the others among all names
        padded = max(map(len, names)) if any(name.startswith("0") and len(name) > 1 for name in names) else 0
        every = {number: f"{number:0{padded}d}" for number in range(total)} | dict(zip(numbers, names, strict=True))
        places = {number: place for place, number in enumerate(sorted(every, key=lambda number: every[number]))}
        by_name = [places[number] for number in numbers]
    chosen = order or ("number" if by_number is not None and max(numbers) < total else "name")
    mapping = by_number if chosen == "number" else by_name
    if mapping is None and order == "name":
        raise UsageError(
            f"the data has {len(numbers)} classes, up to {max(numbers)}, and the model {total}: --class-order name needs numbers below "
            f"{total}, or as many classes; give the names in the model's order with --classes"
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
        f"Class {names[here]!r} and others are read {ways[chosen]}, and could be read {ways[other]}: --class-order {other} "
        f"(class_order={other!r}) does that, --class-order {chosen} confirms what was taken."
    )


def _exactly(classes: Sequence[str], known: Sequence[str] | None) -> list[int] | None:
    """First, since folders 0, 1, 10, 2 of a model trained on them are not in the order of their numbers."""
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
