"""What one pass frees stays with the process of a command, and with no other."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="freed memory is kept by glibc alone")

#: Takes a block beyond glibc's own threshold twice after it was freed; prints the pages that came fresh the second time.
CHILD = """
import resource, sys
from robustkit.allocator import keep_freed_memory
kept = keep_freed_memory()
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    [bytearray(b"x") * (24 << 20) for _ in range(4)].clear()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
print(kept, faults())
"""


def child(**environment: str) -> list[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    command = [sys.executable, "-c", CHILD]
    done = subprocess.run(command, env={**clean, **environment}, capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_freed_memory_is_taken_again_without_fresh_pages() -> None:
    kept, faults = child()
    assert (kept, int(faults) < 100) == ("True", True)


def test_settings_of_the_user_stand() -> None:
    kept, faults = child(MALLOC_TRIM_THRESHOLD_="131072")
    assert (kept, int(faults) > 10_000) == ("False", True)
