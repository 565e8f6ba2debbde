"""``csv:PATH``: a table of image files, relative to the table's folder, and their labels."""

from __future__ import annotations

import csv
import io

from robustkit.data import columns
from robustkit.data.base import Data
from robustkit.data.files import Tree, brief, local_path, open_regular, shown
from robustkit.data.folder import FilesSource
from robustkit.data.labels import TextLabels
from robustkit.data.reading import Reading
from robustkit.errors import UsageError

_LONGEST_HEADER = 2**16


def load_csv(path: str, reading: Reading | None = None) -> Data:
    """The images and labels listed in a CSV file with a header line.

    Labels are integers or class names. Columns are separated by commas, semicolons or tabs.

    Raises
    ------
    UsageError
        If the file or one of the columns does not exist, a row lacks a path or a label, or a path leads out of the folder.
    """
    reading = reading or Reading()
    file = local_path(path, folder=False, expected="give a CSV file with a column of paths and one of labels")
    what = f"data file {brief(shown(path))!r}"
    try:
        with open_regular(file) as raw, io.TextIOWrapper(raw, "utf-8-sig", newline="") as text:
            files, labels = _rows(text, what)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{what} cannot be read as CSV in UTF-8: {error}") from None
    if not files:
        raise UsageError(f"{what} lists no images: expected one per line below the column names")
    tree = Tree(file.parent, follow_links=reading.follow_links)
    tree.check_all(files)
    source = FilesSource(tree, files, reading)
    integers, classes, note = labels.read(f"labels of csv:{brief(shown(path))}")
    notes = [found for found in (note, source.orientation_note()) if found]
    return Data(source, integers, name=f"csv:{path}", classes=classes, notes=notes)


def _rows(text: io.TextIOWrapper, what: str) -> tuple[list[str], TextLabels]:
    """The paths and the labels of all rows."""
    first = text.readline(_LONGEST_HEADER)
    for delimiter in ",;\t":
        names = next(csv.reader([first], delimiter=delimiter), [])
        image, label = columns.find(names, columns.IMAGES), columns.find(names, columns.LABELS)
        if image is not None and label is not None:
            break
    else:
        raise columns.missing(what, next(csv.reader([first]), []))
    for position in (image, label):
        if [name.strip().lower() for name in names].count(names[position].strip().lower()) > 1:
            raise UsageError(f"{what} has two columns {brief(names[position].strip())}: remove one of them")
    files: list[str] = []
    labels = TextLabels()
    reader = csv.reader(text, delimiter=delimiter)
    for row in reader:
        if not row:
            continue
        if len(row) <= max(image, label) or not row[image] or not row[label].strip():
            raise UsageError(f"{what} has no {names[image].strip()} or {names[label].strip()} in line {reader.line_num + 1}")
        if len(row) > len(names):
            raise UsageError(
                f"{what} has {len(row)} fields in line {reader.line_num + 1}, but {len(names)} columns: quote fields that contain "
                f"{brief(delimiter)}"
            )
        files.append(row[image])
        labels.add(row[label].strip())
    return files, labels
