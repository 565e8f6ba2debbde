"""Labels as a file has them, numbers or names, become integers and the names of classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustkit.errors import UsageError

Labels = NDArray[np.int64]


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


def from_names(values: NDArray[np.str_], names: Sequence[str] | None, what: str) -> tuple[Labels, list[str], str | None]:
    """Labels ``(N,)`` that are names of classes.

    Parameters
    ----------
    values
        A name a sample.
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
    found, inverse = np.unique(values, return_inverse=True)
    occurring = [str(name) for name in found]
    if names is None:
        note = (
            f"The {what} are names: in alphabetical order ({occurring[0]!r} first) where the model does not name its classes."
        )
        return inverse.astype(np.int64), occurring, note
    index = {name: label for label, name in enumerate(names)}
    unknown = next((name for name in occurring if name not in index), None)
    if unknown is not None:
        raise UsageError(f"{what} hold {unknown!r}, which is none of the {len(names)} class names beside them")
    return np.asarray([index[name] for name in occurring], dtype=np.int64)[inverse], list(names), None
