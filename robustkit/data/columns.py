"""Detection of the image and label columns of a table."""

from __future__ import annotations

from collections.abc import Sequence

from robustkit.errors import UsageError

IMAGES = ("path", "file", "filename", "file_name", "filepath", "file_path", "image", "image_path", "image_file", "img")
LABELS = ("label", "labels", "class", "class_name", "target", "category")


def find(columns: Sequence[str], known: Sequence[str]) -> int | None:
    """The position of the first known name among the columns, ignoring case; None if there is none."""
    plain = [column.strip().lower() for column in columns]
    return next((plain.index(name) for name in known if name in plain), None)


def missing(what: str, columns: Sequence[str]) -> UsageError:
    """The error for a table without an image or label column."""
    shown = ", ".join(repr(column[:40]) for column in columns[:12]) + (", …" if len(columns) > 12 else "")
    return UsageError(
        f"{what} has the columns {shown}: expected an image column (such as {IMAGES[0]!r}, {IMAGES[2]!r} or {IMAGES[6]!r}) and a "
        f"label column (such as {LABELS[0]!r}, {LABELS[2]!r} or {LABELS[4]!r})"
    )
