"""The README's Python runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_block(block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "README.md", "exec"), {"__name__": "readme"})


def test_the_commands_exist() -> None:
    from typer.main import get_command

    from robustkit.cli.main import app

    commands = set(get_command(app).commands)  # type: ignore[attr-defined]
    used = {words.split()[1] for words in re.findall(r"^robustkit .*$", README.read_text(), flags=re.MULTILINE)}
    assert used <= commands


def test_the_plugin_of_the_readme_keeps_the_contract() -> None:
    from robustkit.conformance import check_attack

    scope: dict[str, object] = {"__name__": "readme"}
    exec(compile(next(block for block in BLOCKS if "SignAscent" in block), "README.md", "exec"), scope)
    assert check_attack(scope["SignAscent"]()) == []  # type: ignore[operator]
