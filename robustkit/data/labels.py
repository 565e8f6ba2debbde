"""Labels as a file has them, numbers or names, become integers and the names of classes."""

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
# Spreadsheets and pandas write 3 as 3.0 where a column once had a gap.
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}(\.0*)?")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+|nan|inf)", re.IGNORECASE)


def as_integers(values: NDArray[Any], what: str, count: int) -> Labels:
    """Labels ``(N,)`` as 64-bit integers.

    Raises
    ------
    UsageError
        If they are of another shape, no integers, or beyond 64 bits.
    """
    if values.shape != (count,) or (values.dtype.kind not in "iu" and count):
        raise UsageError(f"{what} have shape {values.shape} and type {values.dtype}: expected {count} integers")
    if count and values.dtype.kind == "u" and values.max() > np.iinfo(np.int64).max:
        raise UsageError(f"{what} reach {values.max()}: expected integers of at most 64 bits")
    return values.astype(np.int64)


class TextLabels:
    """Labels that come as text, one after another: each text is kept once."""

    def __init__(self) -> None:
        self._codes = array("q")
        self._known: dict[str, int] = {}

    def add(self, text: str) -> None:
        """The label of the next sample."""
        self._codes.append(self._known.setdefault(text, len(self._known)))

    def read(self, what: str) -> tuple[Labels, list[str] | None, str | None]:
        """The labels, the classes if they are names, and a note; see `from_text`."""
        return from_text(list(self._known), np.frombuffer(self._codes, dtype=np.int64), what)


def from_text(texts: Sequence[str], codes: NDArray[Any], what: str) -> tuple[Labels, list[str] | None, str | None]:
    """Labels ``(N,)`` that are text: integers if all of them are, else names.

    Parameters
    ----------
    texts
        The texts that occur.
    codes
        The position in `texts` for each sample.
    what
        What to call the labels in messages.

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
        raise UsageError(f"{what} hold {brief(odd, 40)!r}: expected integers of at most 64 bits, or names")
    return numbers[codes], None, None


def from_names(
    found: Sequence[str], codes: NDArray[Any], names: Sequence[str] | None, what: str
) -> tuple[Labels, list[str], str | None]:
    """Labels ``(N,)`` that are names of classes.

    Parameters
    ----------
    found
        The names that occur.
    codes
        The position in `found` for each sample.
    names
        All names in their order; None takes the names that occur in alphabetical order.
    what
        What to call the labels in messages.

    Returns
    -------
    The labels, the classes, and a note if the order of the classes was chosen here.

    Raises
    ------
    UsageError
        If a name is not among `names`.
    """
    note = None
    if names is None:
        names = sorted(found)
        note = (
            f"The {what} are names: they are taken in alphabetical order, {brief(names[0], 40)!r} first, where the model does not "
            "name its classes."
        )
    index = {name: label for label, name in enumerate(names)}
    unknown = next((name for name in found if name not in index), None)
    if unknown is not None:
        raise UsageError(f"{what} hold {brief(unknown, 40)!r}, which is none of the {len(names)} class names beside them")
    return np.asarray([index[name] for name in found], dtype=np.int64)[codes], list(names), note
