"""The arrays of an .npz archive, read without loading all values into memory."""

from __future__ import annotations

import shutil
import struct
import tempfile
import zipfile
from math import prod
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from robustkit.data.files import Stream, open_regular, shown
from robustkit.errors import UnsafeFileError, UsageError

#: Compressed arrays with more bytes are unpacked into a temporary file.
IN_MEMORY = 2**26
_CHUNK = 2**20


class Header(NamedTuple):
    """The header of an array, and the offset of its values in the unpacked member."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]
    start: int

    @property
    def nbytes(self) -> int:
        return prod(self.shape) * self.dtype.itemsize


class Archive:
    """The arrays of an .npz file by name.

    Raises
    ------
    UsageError
        If two members have the same name.
    Exception
        Of several kinds, if the file is not an archive.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: Stream = open_regular(path)
        try:
            self._zip = zipfile.ZipFile(self._file)
        except BaseException:
            self._file.close()
            raise
        members = [info for info in self._zip.infolist() if info.filename.endswith(".npy")]
        self._members = {info.filename.removesuffix(".npy"): info for info in members}
        if len(self._members) < len(members):
            raise UsageError(f"{shown(str(path))} contains two arrays with the same name: save it again")

    def close(self) -> None:
        """Close the file; memory-mapped arrays stay valid."""
        self._zip.close()
        self._file.close()

    @property
    def names(self) -> list[str]:
        """The names of the arrays."""
        return list(self._members)

    def header(self, name: str) -> Header:
        """The header of an array, without reading its values.

        Raises
        ------
        UnsafeFileError
            If it needs pickle.
        UsageError
            If it is encrypted, its header is damaged, its shape is impossible, or it is truncated.
        """
        member = self._members[name]
        if member.flag_bits & 1:
            raise UsageError(f"array {name!r} in {shown(str(self.path))} is encrypted: save it without a password")
        with self._zip.open(member) as stream:
            try:
                version = np.lib.format.read_magic(stream)
                read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                shape, fortran, dtype = read(stream)
            except Exception as error:  # NumPy parses headers as Python literals and passes on many kinds of errors
                raise UsageError(f"array {name!r} in {shown(str(self.path))} has a damaged header: save it again") from error
            header = Header(tuple(int(side) for side in shape), fortran, dtype, stream.tell())
        if dtype.hasobject:
            raise UnsafeFileError(
                f"{shown(str(self.path))} contains Python objects, which could run code when read: save plain arrays"
            )
        if any(side < 0 for side in header.shape):
            raise UsageError(
                f"array {name!r} in {shown(str(self.path))} has the impossible shape {header.shape}: save it again"
            )
        if header.start + header.nbytes > member.file_size:
            raise UsageError(f"array {name!r} in {shown(str(self.path))} is truncated: save it again")
        return header

    def array(self, name: str) -> NDArray[Any]:
        """An array, memory-mapped if it is stored uncompressed, or from a temporary file if it is large."""
        member, header = self._members[name], self.header(name)
        order: Any = "F" if header.fortran else "C"
        if not header.nbytes:
            return np.zeros(header.shape, header.dtype)
        if member.compress_type == zipfile.ZIP_STORED:
            # The lengths in the local header may differ from those in the central directory.
            self._file.seek(member.header_offset + 26)
            name_length, extra_length = struct.unpack("<HH", self._file.read(4))
            start = member.header_offset + 30 + name_length + extra_length + header.start
            return np.memmap(self._file, header.dtype, "r", start, header.shape, order)
        if header.nbytes <= IN_MEMORY:
            with self._unpacked(member, header) as stream:
                values = np.frombuffer(_exactly(stream, header.nbytes), header.dtype)
                stream.read()  # up to the end, where the checksum is verified
            return values.reshape(header.shape, order=order)
        with tempfile.TemporaryFile() as unpacked:
            self._unpack(name, member, header, unpacked)
            return np.memmap(unpacked, header.dtype, "r", 0, header.shape, order)

    def _unpack(self, name: str, member: zipfile.ZipInfo, header: Header, target: IO[bytes]) -> None:
        free = shutil.disk_usage(tempfile.gettempdir()).free
        if header.nbytes > free:
            raise UsageError(
                f"array {name!r} in {shown(str(self.path))} unpacks to {header.nbytes / 1e9:.1f} GB, but the folder for temporary "
                f"files (TMPDIR) has {free / 1e9:.1f} GB: save it uncompressed with numpy.savez, or set another TMPDIR"
            )
        left = header.nbytes
        with self._unpacked(member, header) as stream:
            while left:
                chunk = _exactly(stream, min(left, _CHUNK))
                target.write(chunk)
                left -= len(chunk)
            stream.read(1)
        target.flush()

    def _unpacked(self, member: zipfile.ZipInfo, header: Header) -> IO[bytes]:
        stream = self._zip.open(member)
        _exactly(stream, header.start)
        return stream


def _exactly(stream: IO[bytes], count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise EOFError("an array is truncated")
    return data
