"""Reading of weights files: the format is recognised by content, no code is run, and no more is read than needed."""

from __future__ import annotations

import pickle
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from robustkit.errors import UnsafeFileError, UsageError, first_line
from robustkit.models.pickles import unsafe_name

#: First bytes of other kinds of files, and what to do about them.
_OTHERS = (
    (b"version https://git-lfs", "is a Git LFS pointer: its download is missing, so run git lfs pull"),
    (b"\x89HDF\r\n\x1a\n", "is an HDF5 file (Keras): save the weights of the torch network"),
    (b"\x1f\x8b", "is compressed by gzip: unpack it"),
    (b"BZh", "is compressed by bzip2: unpack it"),
    (b"\xfd7zXZ", "is compressed by xz: unpack it"),
    (b"Rar!", "is a rar archive: unpack it"),
    (b"7z\xbc\xaf", "is a 7z archive: unpack it"),
    (b"\x93NUMPY", "is a numpy array: save the network's state_dict()"),
)
_PAGES = (b"<!doctype", b"<html", b"<?xml", b"<head")
_WANTED = "give a .safetensors file, or one written by torch.save(net.state_dict(), ...)"


def read_weights(path: Path, most: int) -> Mapping[Any, Any]:
    """The contents of a weights file by name. Tensors stay on disk until used, if the format allows it.

    Parameters
    ----------
    path
        A safetensors or torch file, whatever its suffix.
    most
        Maximum number of bytes to read into memory at once.

    Raises
    ------
    UsageError
        If the file does not exist, is damaged or too large, or does not contain weights.
    UnsafeFileError
        If reading it would run code.
    """
    try:
        if not path.exists():
            raise UsageError(f"weights {str(path)!r} do not exist: give file:PATH of a .safetensors, .pth or .pt file")
        if path.is_dir():
            raise UsageError(f"weights {str(path)!r} are a folder: name the file inside it")
        if not path.is_file():
            raise UsageError(f"weights {str(path)!r} are not a regular file: {_WANTED}")
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(512)
    except OSError as error:
        raise UsageError(f"weights {str(path)!r} cannot be read: {error.strerror}") from None
    if not size:
        raise UsageError(f"{path} is empty: copy or download it again")
    if start.startswith(b"PK\x03\x04"):
        return _torch_zip(path, most)
    if start[8:9] == b"{" and 2 <= int.from_bytes(start[:8], "little") <= size - 8:
        return _safetensors(path)
    if start[:1] == b"\x80" and 2 <= start[1] <= pickle.HIGHEST_PROTOCOL:
        if size > most:
            raise UsageError(
                f"{path} is an old-style torch file of {size:,} bytes, more than the limit of {most:,} for this network"
            )
        return _load(path, unsafe=lambda: unsafe_name(path), mmap=False)
    raise _not_weights(path, start)


def _safetensors(path: Path) -> Mapping[str, Any]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - it is not a mapping
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise UsageError(f"{path} is not a readable safetensors file: {first_line(error)}") from error


def _torch_zip(path: Path, most: int) -> Mapping[Any, Any]:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, RuntimeError, ValueError, EOFError, OverflowError) as error:
        raise UsageError(f"{path} is truncated or damaged ({first_line(error)}): copy or download it again") from error
    names = [entry.filename for entry in entries]
    if any(entry.flag_bits & 1 for entry in entries):
        raise UsageError(f"{path} is an encrypted zip archive: unpack it, and {_WANTED}")
    if any(name.endswith(("constants.pkl", "/archive_format")) or "/code/" in name for name in names):
        raise UsageError(
            f"{path} is a compiled program (TorchScript or torch.export), not weights: save net.state_dict(), or load it in a "
            "factory (torch.jit.load) and use python:package.module:factory"
        )
    pickles = [entry for entry in entries if entry.filename.rpartition("/")[2] == "data.pkl"]
    if len(pickles) != 1:
        shown = ", ".join(ascii(name) for name in names[:3])
        raise UsageError(f"{path} is a zip archive without weights ({shown}{', …' if len(names) > 3 else ''}): {_WANTED}")
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise UsageError(f"{path} was repacked with compression, which torch cannot read: {_WANTED}")
    if pickles[0].file_size > most:
        raise UsageError(
            f"{path} contains {pickles[0].file_size:,} bytes of names alone, more than the limit of {most:,} for this network"
        )
    return _load(path, unsafe=lambda: unsafe_name(path, pickles[0]), mmap=True)


def _load(path: Path, *, unsafe: Callable[[], str | None], mmap: bool) -> Mapping[Any, Any]:
    try:
        with warnings.catch_warnings(), path.open("rb") as file:
            warnings.simplefilter("ignore")
            # torch memory-maps only files that it opens itself, and relies on the suffix.
            named = mmap and path.suffix != ".safetensors"
            loaded = torch.load(path if named else file, map_location="cpu", weights_only=True, mmap=named)
    except Exception as error:
        name = unsafe()
        if name is not None:
            raise _refusal(path, name) from error
        raise UsageError(
            f"{path} is not a readable weights file: it is damaged or truncated ({_reason(error)}), so copy or download it again"
        ) from error
    if not isinstance(loaded, Mapping):
        raise UsageError(f"{path} contains a {type(loaded).__name__}, not weights by name: save net.state_dict()")
    return loaded


def _refusal(path: Path, name: str) -> UnsafeFileError:
    return UnsafeFileError(
        f"{path} was refused, because reading it could run code ({name}): save net.state_dict(), preferably as safetensors, and "
        "give the network with --arch"
    )


def _reason(error: Exception) -> str:
    """torch's error message without its advice to load the file with `weights_only=False`."""
    text = str(error).partition("WeightsUnpickler error: ")[2] or first_line(error)
    return text.strip().splitlines()[0][:200] if text.strip() else type(error).__name__


def _not_weights(path: Path, start: bytes) -> Exception:
    for magic, what in _OTHERS:
        if start.startswith(magic):
            return UsageError(f"{path} {what}")
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_PAGES):
        return UsageError(f"{path} is a web page, not weights: download the file itself (its raw or resolve link)")
    if start[257:262] == b"ustar":
        return UsageError(f"{path} is a tar archive: unpack it, and {_WANTED}")
    if path.suffix == ".safetensors":
        return UsageError(
            f"{path} is not a readable safetensors file: it is damaged or truncated, so copy or download it again"
        )
    name = unsafe_name(path)  # the oldest pickles have no marker
    if name is not None:
        return _refusal(path, name)
    return UsageError(f"{path} is not a readable weights file, or its format is unknown: {_WANTED}")
