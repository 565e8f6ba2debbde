"""Memory that one pass frees stays with the process for the next one, in place of being zeroed page by page each time."""

from __future__ import annotations

import ctypes
import os
import sys

#: Names and values of glibc's `mallopt`: blocks up to 32 MiB, the most it allows, come from the heap, whose end is never given back.
_SETTINGS = {"M_MMAP_THRESHOLD": (-3, 32 * 1024 * 1024), "M_TRIM_THRESHOLD": (-1, 2**31 - 1)}


def keep_freed_memory() -> bool:
    """Whether the C library now keeps freed memory; it is left alone where it is not glibc or the user set `MALLOC_…`.

    By default glibc returns the end of the heap to the system after every pass, and the next one pays for fresh pages:
    up to a tenth of an attack's time on a CPU. Only the command line does this, for the process is its own.
    """
    if sys.platform != "linux" or any(name.startswith("MALLOC_") for name in os.environ):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(mallopt(option, value) == 1 for option, value in _SETTINGS.values())
