"""``webdataset:PATTERN``: local tar files of images and labels, read in place."""

from __future__ import annotations

import glob
import io
import itertools
import json
import os
import re
import tarfile
from array import array
from collections.abc import Iterator
from pathlib import Path

from robustkit.data.base import Data
from robustkit.data.columns import LABELS
from robustkit.data.decode import SUFFIXES
from robustkit.data.encoded import EncodedSource
from robustkit.data.files import Stream, Tree, brief, open_regular, shown
from robustkit.data.labels import TextLabels
from robustkit.data.reading import Reading
from robustkit.errors import UsageError

_BRACES = re.compile(r"\{(?:([0-9]{1,9})\.\.([0-9]{1,9})|([^{}]*,[^{}]*))\}")
_MOST_SHARDS = 100_000
_MOST_LABEL = 2**20
_MOST_IMAGE = 2**30
_NAME = re.compile(r"((?:.*/|)[^./][^./]*)\.([^/]*)", re.DOTALL)


class _Header(tarfile.TarInfo):
    """A header with checked sizes: with a negative or huge size, tarfile would never end or read everything at once."""

    def _block(self, count: int) -> int:
        if count < 0:
            raise tarfile.ReadError("a negative size")
        if (
            self.type in (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME)
            and count > _MOST_LABEL
        ):
            raise tarfile.ReadError("a huge header")
        return int(super()._block(count))  # type: ignore[misc]


class TarSource(EncodedSource):
    """Images at known offsets in tar files."""

    def __init__(self, shards: list[Path], reading: Reading) -> None:
        super().__init__(reading)
        self.shards = shards
        self.shard, self.offset, self.size = array("l"), array("q"), array("q")

    def __len__(self) -> int:
        return len(self.offset)

    def add(self, shard: int, offset: int, size: int) -> None:
        """Add the location of the next image."""
        self.shard.append(shard)
        self.offset.append(offset)
        self.size.append(size)

    def open(self, position: int) -> Stream:
        """The encoded image."""
        if self.size[position] > _MOST_IMAGE:
            raise OSError(f"it takes {self.size[position] / 1e9:.1f} GB")
        with open_regular(self.shards[self.shard[position]]) as file:
            file.seek(self.offset[position])
            return io.BytesIO(file.read(self.size[position]))

    def where(self, position: int) -> str:
        """The shard of the image and its offset."""
        return f"sample {position} ({shown(str(self.shards[self.shard[position]]))} at byte {self.offset[position]})"


def load_webdataset(pattern: str, reading: Reading | None = None) -> Data:
    """The samples of local tar files: ``KEY.jpg`` (or another image) with ``KEY.cls``, or ``KEY.json`` with a label.

    Raises
    ------
    UsageError
        If no file matches, one is not an uncompressed tar file, or a sample has no label.
    """
    reading = reading or Reading()
    shards = _shards(pattern, reading)
    source = TarSource(shards, reading)
    labels = TextLabels()
    without_image = 0
    for number, shard in enumerate(shards):
        try:
            with open_regular(shard) as file:
                for key, image, label in _samples(file):
                    if image is None:
                        without_image += 1
                        continue
                    if label is None:
                        raise UsageError(
                            f"sample {brief(key)!r} of {shown(str(shard))} has no label: add {brief(key)}.cls or .json"
                        )
                    source.add(number, *image)
                    labels.add(label)
        except (OSError, tarfile.TarError, ValueError, RecursionError, OverflowError) as error:
            if isinstance(error, UsageError):
                raise
            raise UsageError(f"{shown(str(shard))} cannot be read as an uncompressed .tar file: {error}") from error
    if not len(source):
        raise UsageError(
            f"webdataset:{brief(pattern)} contains no images: expected KEY.jpg or similar with KEY.cls or KEY.json"
        )
    integers, classes, note = labels.read(f"labels of webdataset:{brief(shown(pattern))}")
    lone = f"{without_image} samples without an image were skipped." if without_image else None
    notes = [found for found in (note, lone, source.orientation_note()) if found]
    return Data(source, integers, name=f"webdataset:{pattern}", classes=classes, notes=notes)


def _samples(file: Stream) -> Iterator[tuple[str, tuple[int, int] | None, str | None]]:
    """The key, the offset and size of the image, and the label of each sample of a tar file."""
    key, image, label = "", None, None
    with tarfile.open(fileobj=file, mode="r:", tarinfo=_Header) as tar:
        for member in tar:
            tar.members = []  # type: ignore[attr-defined]  # otherwise it keeps all members
            parts = _NAME.fullmatch(member.name)
            if not member.isreg() or parts is None:
                continue
            if parts[1] != key:
                if image or label is not None:
                    yield key, image, label
                key, image, label = parts[1], None, None
            kind = parts[2].lower()
            if f".{kind}" in SUFFIXES and not member.issparse():
                image = image or (member.offset_data, member.size)
            elif kind == "cls" or (kind == "json" and label is None):
                try:
                    label = _label(file, member, kind) or label
                except ValueError as error:
                    raise UsageError(
                        f"{brief(member.name)!r} is not a label ({error}): expected a class, or JSON with one"
                    ) from error
        file.seek(tar.offset)
        if file.read(tarfile.BLOCKSIZE).strip(b"\0"):  # where tarfile stopped without an error
            raise tarfile.ReadError(f"damaged at byte {tar.offset}")
    if image or label is not None:
        yield key, image, label


def _label(file: Stream, member: tarfile.TarInfo, kind: str) -> str | None:
    if member.size > _MOST_LABEL or member.issparse():
        raise tarfile.ReadError(f"{brief(member.name)!r} is too large for a label")
    file.seek(member.offset_data)
    text = file.read(member.size).decode().strip()
    if kind == "cls":
        return text or None
    found = json.loads(text)
    value = next((found[name] for name in (*LABELS, "cls") if name in found), None) if isinstance(found, dict) else found
    return str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) and value != "" else None


def _shards(pattern: str, reading: Reading) -> list[Path]:
    """The files that match a path, or a pattern with braces or wildcards."""
    try:
        expanded = os.path.expanduser(pattern)
        if os.path.lexists(expanded):
            found = [expanded]
        else:
            each = (sorted(glob.glob(name)) if glob.has_magic(name) else [name] for name in _braces(expanded))
            found = list(dict.fromkeys(itertools.chain.from_iterable(each)))
    except (OSError, ValueError) as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError(f"data 'webdataset:{brief(pattern)}' is not a path or pattern: {error}") from None
    lost = next((name for name in found if not os.path.lexists(name)), None)
    if lost is not None or not found:
        raise UsageError(
            f"no file matches {brief(lost or pattern)!r} of 'webdataset:': give local .tar files, such as shards/test-{{000..009}}.tar"
        )
    shards = [Path(name) for name in found]
    for shard in shards:
        Tree(shard.parent, follow_links=reading.follow_links or len(shards) == 1).check(shard.name)
    return shards


def _braces(pattern: str) -> list[str]:
    """All names from expanding ``{000..009}`` and ``{a,b}``."""
    names = [pattern]
    while any(_BRACES.search(name) for name in names):
        names = list(itertools.islice((made for name in names for made in _expand(name)), _MOST_SHARDS + 1))
        if len(names) > _MOST_SHARDS:
            raise UsageError(f"pattern {brief(pattern)!r} matches more than {_MOST_SHARDS} files: give fewer")
    return names


def _expand(name: str) -> Iterator[str]:
    braces = _BRACES.search(name)
    if braces is None:
        yield name
        return
    low, high, listed = braces.groups()
    if listed is not None:
        choices: Iterator[str] = iter(listed.split(","))
    else:
        width = len(low) if low.startswith("0") else 0
        choices = (str(number).zfill(width) for number in range(int(low), int(high) + 1))
    for choice in choices:
        yield name[: braces.start()] + choice + name[braces.end() :]
