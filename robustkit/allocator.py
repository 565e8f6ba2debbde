"""Keep memory freed by one pass in the process for the next, instead of returning it to the system."""

from __future__ import annotations

import ctypes
import os
import sys

#: Options and values of glibc's `mallopt`: blocks up to 32 MiB, the maximum, come from the heap, which is never trimmed.
_SETTINGS = {"M_MMAP_THRESHOLD": (-3, 32 * 1024 * 1024), "M_TRIM_THRESHOLD": (-1, 2**31 - 1)}


def keep_freed_memory() -> bool:
    """Make the C library keep freed memory; returns whether it does. No change if it is not glibc or the user set `MALLOC_…`.

    By default glibc returns the end of the heap to the system after every pass, and the next pass needs fresh pages:
    up to a tenth of an attack's time on a CPU. Only the command line does this, because it owns the process.
    """
    if sys.platform != "linux" or any(name.startswith("MALLOC_") for name in os.environ):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(mallopt(option, value) == 1 for option, value in _SETTINGS.values())
