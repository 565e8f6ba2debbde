"""Conversion of labels in files, numbers or names, to integers and class names."""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustkit.data.files import brief
from robustkit.errors import UsageError

Labels = NDArray[np.int64]
# Spreadsheets and pandas write 3 as 3.0 if the column once had missing values.
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}(\.0*)?")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+|nan|inf)", re.IGNORECASE)


def as_integers(values: NDArray[Any], what: str, count: int) -> Labels:
    """Labels ``(N,)`` as 64-bit integers.

    Raises
    ------
    UsageError
        If they have another shape, are not integers, or exceed 64 bits.
    """
    if values.shape != (count,) or (values.dtype.kind not in "iu" and count):
        raise UsageError(f"{what} have shape {values.shape} and type {values.dtype}: expected {count} integers")
    if count and values.dtype.kind == "u" and values.max() > np.iinfo(np.int64).max:
        raise UsageError(f"{what} reach {values.max()}: expected integers of at most 64 bits")
    return values.astype(np.int64)


class TextLabels:
    """Labels added as text one by one; each distinct text is stored once."""

    def __init__(self) -> None:
        self._codes = array("q")
        self._known: dict[str, int] = {}

    def add(self, text: str) -> None:
        """Add the label of the next sample."""
        self._codes.append(self._known.setdefault(text, len(self._known)))

    def read(self, what: str) -> tuple[Labels, list[str] | None, str | None]:
        """The labels, the class names if they are names, and a note; see `from_text`."""
        return from_text(list(self._known), np.frombuffer(self._codes, dtype=np.int64), what)


def from_text(texts: Sequence[str], codes: NDArray[Any], what: str) -> tuple[Labels, list[str] | None, str | None]:
    """Labels ``(N,)`` from text: integers if all of them are, else names.

    Parameters
    ----------
    texts
        The distinct texts.
    codes
        The index into `texts` for each sample.
    what
        The name of the labels in messages.

    Raises
    ------
    UsageError
        If all are numbers, but not integers of at most 64 bits.
    """
    if not all(_NUMBER.fullmatch(text) for text in texts):
        return from_names(texts, codes, None, what)
    try:
        numbers = np.asarray([int(text.partition(".")[0]) for text in texts if _INTEGER.fullmatch(text)], dtype=np.int64)
    except OverflowError:
        numbers = np.zeros(0, np.int64)
    if len(numbers) < len(texts):
        odd = next((text for text in texts if not _INTEGER.fullmatch(text)), max(texts, key=len))
        raise UsageError(f"{what} contain {brief(odd, 40)!r}: expected integers of at most 64 bits, or names")
    return numbers[codes], None, None


def from_names(
    found: Sequence[str], codes: NDArray[Any], names: Sequence[str] | None, what: str
) -> tuple[Labels, list[str], str | None]:
    """Labels ``(N,)`` from class names.

    Parameters
    ----------
    found
        The distinct names.
    codes
        The index into `found` for each sample.
    names
        All class names in order; None for the distinct names in alphabetical order.
    what
        The name of the labels in messages.

    Returns
    -------
    The labels, the class names, and a note if their order was chosen here.

    Raises
    ------
    UsageError
        If a name is not among `names`.
    """
    note = None
    if names is None:
        names = sorted(found)
        note = (
            f"The {what} are names: they are numbered in alphabetical order, {brief(names[0], 40)!r} first, if the model has no "
            "class names."
        )
    index = {name: label for label, name in enumerate(names)}
    unknown = next((name for name in found if name not in index), None)
    if unknown is not None:
        raise UsageError(f"{what} contain {brief(unknown, 40)!r}, which is not one of the {len(names)} class names in the file")
    return np.asarray([index[name] for name in found], dtype=np.int64)[codes], list(names), note
