"""What a plugin's author imports: everything that is named is there, and built-in plugins need no other contract."""

import re
from pathlib import Path

from robustkit import plugin

ROOT = Path(__file__).parents[2]
BEHIND = r"from robustkit\.(build|contracts|engine|iterative|universal|parametric|defense)\b[.\w]* import"


def test_every_name_is_there() -> None:
    assert all(hasattr(plugin, name) for name in plugin.__all__)
    assert plugin.__all__ == sorted(plugin.__all__)


def test_the_example_in_the_readme_imports_from_here() -> None:
    assert "from robustkit.plugin import" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_built_in_plugins_import_contracts_from_here() -> None:
    files = [path for room in ("attacks", "defenses") for path in (ROOT / room).rglob("*.py")]
    assert len(files) > 60
    assert {path.name for path in files if re.search(BEHIND, path.read_text(encoding="utf-8"))} == set()
