"""Safe access to untrusted files: only regular files, and none outside the data's folder."""

from __future__ import annotations

import errno
import functools
import io
import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from robustkit.errors import UsageError

#: An open file, or bytes.
Stream = io.BufferedReader | io.BytesIO
#: Virtual file systems of the kernel, which contain no images; reading them may never end.
_MADE_UP = (
    *("autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs", "efivarfs", "fusectl"),
    *("mqueue", "nsfs", "proc", "pstore", "securityfs", "sysfs", "tracefs"),
)
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
#: Folders that operating systems and programs create among images.
_LEFTOVERS = frozenset({"__macosx", "__pycache__", "@eadir", "$recycle.bin", "lost+found", "system volume information"})


def brief(text: str, most: int = 120) -> str:
    """The text, shortened for a message."""
    return text if len(text) <= most else f"{text[:most]}…"


def shown(path: str) -> str:
    """A path as one printable line: control characters, and bytes that are not UTF-8, are escaped."""
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), path)


def local_path(text: str, *, folder: bool, expected: str) -> Path:
    """The path of an existing folder or regular file.

    Parameters
    ----------
    text
        The path as given by the user; ``~`` is the home folder.
    folder
        Whether it must be a folder.
    expected
        What to give instead, for the message.

    Raises
    ------
    UsageError
        If it does not exist, or is not of this kind.
    """
    what = f"data {'folder' if folder else 'file'} {brief(text)!r}"
    try:
        path = Path(text).expanduser()
        mode = path.stat().st_mode if text else 0
    except OSError as error:
        missing = error.errno in (errno.ENOENT, errno.ENOTDIR)
        raise UsageError(
            f"{what} {'does not exist' if missing else f'cannot be read ({error.strerror})'}: {expected}"
        ) from None
    except (RuntimeError, ValueError) as error:
        raise UsageError(f"{what} is not a path ({error}): {expected}") from None
    if not (stat.S_ISDIR(mode) if folder else stat.S_ISREG(mode)):
        raise UsageError(f"{what} is not a {'folder' if folder else 'regular file'}: {expected}")
    return path


def open_regular(path: str | os.PathLike[str]) -> io.BufferedReader:
    """A regular file, open for reading; pipes and devices are not opened.

    Raises
    ------
    OSError
        If it does not exist, or is not a regular file.
    """
    before = os.stat(path)
    if stat.S_ISREG(before.st_mode):
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        if stat.S_ISREG(os.fstat(handle).st_mode):
            return os.fdopen(handle, "rb")
        os.close(handle)
    raise OSError("it is not a regular file")


class Tree:
    """The files below a folder, none of which may lead out of it.

    Parameters
    ----------
    root
        The folder, which may itself be a link.
    follow_links
        Whether links and mounted file systems may lead out of it.
    """

    def __init__(self, root: Path, *, follow_links: bool = False) -> None:
        self.root = root
        self.follow_links = follow_links
        self._real = os.path.realpath(root)
        self._inside = os.path.join(self._real, "")

    def check(self, path: str) -> None:
        """Raise an error if a path, relative to the root or absolute, leads out of the root.

        Raises
        ------
        UsageError
            If it does, and `follow_links` is false.
        """
        if self.follow_links:
            return
        try:
            target = os.path.realpath(self.root / path)
        except (OSError, ValueError) as error:
            raise UsageError(f"{brief(path)!r} in {shown(str(self.root))} is not a path: {error}") from None
        if target != self._real and not target.startswith(self._inside) and os.path.lexists(target):
            raise UsageError(
                f"{brief(shown(path))!r} in {shown(str(self.root))} leads out of that folder: remove it, or allow this with "
                "--follow-links (follow_links=True)"
            )

    def check_all(self, paths: Iterable[str]) -> None:
        """`check` many paths, each folder only once."""
        seen = set()
        for path in paths:
            folder, name = os.path.split(path)
            if folder not in seen:
                self.check(folder)
                seen.add(folder)
            if "\0" in name or name in ("", ".", "..") or os.path.islink(self.root / path):
                self.check(path)

    def open(self, path: str) -> io.BufferedReader:
        """A file of the tree, open for reading.

        Raises
        ------
        OSError, ValueError
            If it does not exist, or is not a regular file.
        UsageError
            If it leads out of the root.
        """
        if self.follow_links:
            return open_regular(self.root / path)
        self.check(path)
        return open_regular(os.path.realpath(self.root / path))

    def entries(self, below: str = "") -> list[os.DirEntry[str]]:
        """The entries of a folder, sorted by name, without hidden files and leftovers of other programs.

        Raises
        ------
        UsageError
            If it cannot be read, or leads out of the root.
        """
        folder = self.root / below
        try:
            if os.stat(folder).st_dev in _made_up_devices():
                raise UsageError(
                    f"{shown(str(folder))} belongs to the kernel and contains no images: give a folder of image files"
                )
            with os.scandir(folder) as found:
                kept = [entry for entry in found if not entry.name.startswith(".") and entry.name.lower() not in _LEFTOVERS]
        except OSError as error:
            raise UsageError(f"folder {brief(shown(str(folder)))!r} cannot be read: {error.strerror}") from None
        for entry in kept:
            if entry.is_symlink():
                self.check(os.path.join(below, entry.name))
        return sorted(kept, key=lambda entry: entry.name)

    def walk(self, below: str) -> Iterator[str]:
        """All files below a folder, relative to the root; each real folder is visited once.

        Raises
        ------
        UsageError
            If a folder cannot be read, or something leads out of the root.
        """
        seen: set[tuple[int, int]] = set()
        waiting = [below]
        while waiting:
            folder = waiting.pop()
            identity = os.stat(self.root / folder)
            if (identity.st_dev, identity.st_ino) in seen:
                continue
            seen.add((identity.st_dev, identity.st_ino))
            inner = []
            for entry in self.entries(folder):
                path = os.path.join(folder, entry.name)
                if not os.path.isdir(entry.path):
                    yield path
                    continue
                if not self.follow_links and not entry.is_symlink() and os.stat(entry.path).st_dev != identity.st_dev:
                    raise UsageError(
                        f"{brief(shown(path))!r} in {shown(str(self.root))} is another file system: give a folder without it, or allow "
                        "this with --follow-links (follow_links=True)"
                    )
                inner.append(path)
            waiting += reversed(inner)


@functools.cache
def _made_up_devices() -> frozenset[int]:
    """The device numbers of the kernel's virtual file systems."""
    devices = set()
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as lines:
            for line in lines:
                before, _, after = line.partition(" - ")
                if after.split(" ", 1)[0] in _MADE_UP:
                    major, minor = before.split()[2].split(":")
                    devices.add(os.makedev(int(major), int(minor)))
    except (OSError, ValueError, IndexError):  # not Linux
        pass
    return frozenset(devices)
