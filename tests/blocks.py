"""The Python blocks of a page, each run as a module of its own."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


def blocks(page: str) -> list[str]:
    """The Python blocks of a page of the repository, such as ``README.md``."""
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)


def run(block: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A block as a module of its own, where dataclasses look for it."""
    module = ModuleType("page")
    monkeypatch.setitem(sys.modules, "page", module)
    exec(compile(block, "page", "exec"), vars(module))
    return module
