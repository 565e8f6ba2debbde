"""The README's Python runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.blocks import ROOT, blocks, run

README = ROOT / "README.md"
BLOCKS = blocks("README.md")


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
    from robustkit.conformance.attack import check_attack

    module = run(next(block for block in BLOCKS if "SignAscent" in block), monkeypatch)
    assert check_attack(module.SignAscent()) == []
