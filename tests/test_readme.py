"""The README's Python runs as it stands."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)


def run(block: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A block as a module of its own, where dataclasses look for it."""
    module = ModuleType("readme")
    monkeypatch.setitem(sys.modules, "readme", module)
    exec(compile(block, "README.md", "exec"), vars(module))
    return module


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_block(block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run(block, monkeypatch)


def test_the_commands_exist() -> None:
    from typer.main import get_command

    from robustkit.cli.commands import app

    commands = set(get_command(app).commands)  # type: ignore[attr-defined]
    used = {words.split()[1] for words in re.findall(r"^robustkit .*$", README.read_text(), flags=re.MULTILINE)}
    assert used <= commands


def test_the_plugin_of_the_readme_keeps_the_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    from robustkit.conformance import check_attack

    module = run(next(block for block in BLOCKS if "SignAscent" in block), monkeypatch)
    assert check_attack(module.SignAscent()) == []
