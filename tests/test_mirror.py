"""Every source file has a test file of its own: robustkit/x/y.py is tested in tests/robustkit/x/test_y.py."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted(
    path.relative_to(ROOT)
    for folder in ("robustkit", "attacks", "defenses", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
    if path.name != "__init__.py"
)

#: Files that lack one, each with the reason.
WITHOUT: dict[str, str] = {}


def test_there_is_something_to_mirror() -> None:
    assert len(SOURCES) > 200


@pytest.mark.parametrize("source", [path for path in SOURCES if path.as_posix() not in WITHOUT], ids=str)
def test_a_source_file_has_its_tests(source: Path) -> None:
    mirrored = Path("tests") / source.parent / f"test_{source.name}"
    assert (ROOT / mirrored).is_file(), f"{source} has no tests of its own: write {mirrored}"
    assert "def test_" in (ROOT / mirrored).read_text(encoding="utf-8")
