"""Atomic writes of run files, which never follow links."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterable
from pathlib import Path

from safetensors import SafetensorError

from robustkit.errors import UsageError

#: Age in seconds after which a partial file counts as left by a killed process.
ABANDONED = 600.0


class atomic:
    """A context with a new empty file that replaces `path` when the block succeeds and is deleted when it fails.

    A link at `path` is replaced, not followed.

    Raises
    ------
    UsageError
        If the file cannot be written, on entering, inside or on leaving.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # The name cannot be guessed, so no link can have been placed there.
        self.partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}.partial")

    def __enter__(self) -> Path:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._sweep()
            self.partial.touch(exist_ok=False)
        except OSError as error:
            raise unwritable(self.path, error) from error
        return self.partial

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        try:
            if kind is None:
                os.replace(self.partial, self.path)
                return
        except OSError as failed:
            raise unwritable(self.path, failed) from failed
        finally:
            self.partial.unlink(missing_ok=True)
        if isinstance(error, OSError | SafetensorError):
            raise unwritable(self.path, error) from error

    def _sweep(self) -> None:
        """Remove partial files left by killed processes."""
        with os.scandir(self.path.parent) as entries:
            for entry in entries:
                ours = entry.name.startswith(f".{self.path.name}.") and entry.name.endswith(".partial")
                if ours and time.time() - entry.stat(follow_symlinks=False).st_mtime > ABANDONED:
                    Path(entry.path).unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically. Raises `UsageError` if it cannot be written."""
    with atomic(path) as partial:
        partial.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Write a UTF-8 text file atomically. Raises `UsageError` if it cannot be written."""
    write_bytes(path, content.encode("utf-8"))


def make_folder(path: Path) -> None:
    """Create a folder for a run if it does not exist. Raises `UsageError` if a file is in the way or it cannot be created."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        there = next((each for each in (path, *path.parents) if os.path.lexists(each)), path)
        what = "a broken link" if there.is_symlink() else "a file"
        raise UsageError(f"{path} cannot be the folder of a run, because {there} is {what}: choose another -o") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be the folder of a run: {error.strerror}; choose another -o") from None


def unwritable(path: Path, error: Exception) -> UsageError:
    """The error for a full disk or a folder without write permission."""
    cause = error.strerror if isinstance(error, OSError) and error.strerror else next(iter(str(error).splitlines()), "")
    return UsageError(
        f"cannot write {path}: {cause or type(error).__name__}; free space or choose another -o, and run the same command "
        "again: finished results are kept"
    )


def refuse_links(folder: Path, parts: Iterable[str]) -> None:
    """Raise `UsageError` if one of these parts of a folder is, or contains, a link, which may lead outside the folder."""
    for part in parts:
        link = _first_link(folder / part)
        if link is not None:
            raise UsageError(
                f"{link} is a link, but a run's files must be in its own folder: remove it, or choose another folder"
            )


def _first_link(path: Path) -> Path | None:
    if path.is_symlink():
        return path
    for where, folders, files in os.walk(path):
        for name in (*folders, *files):
            if os.path.islink(os.path.join(where, name)):
                return Path(where, name)
    return None


def must_be_regular(path: Path) -> None:
    """Raise `OSError` if the path exists but is not a regular file, such as a pipe that reading would wait for."""
    if path.exists() and not path.is_file():
        raise OSError(f"{path} is not a regular file")
