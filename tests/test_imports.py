"""The arrows between modules: no circles, lazy imports included, and the core imports no plugin and no harness."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROOMS = {"robustkit": "robustkit", **{name: f"robustkit.{name}" for name in ("attacks", "defenses", "benchmarks")}}


def module_of(path: Path) -> str:
    room, *rest = path.relative_to(ROOT).with_suffix("").parts
    return ".".join([ROOMS[room], *(part for part in rest if part != "__init__")])


FILES = {module_of(path): path for room in ROOMS for path in (ROOT / room).rglob("*.py")}


def imports(node: ast.AST) -> Iterator[str]:
    """Every module that is imported below a node, but for type checkers alone."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        if isinstance(child, ast.ImportFrom) and child.module:
            parts = [f"{child.module}.{name.name}" for name in child.names]
            yield from (part if part in FILES else child.module for part in parts)
        elif isinstance(child, ast.Import):
            yield from (name.name for name in child.names)
        yield from imports(child)


@cache
def arrows() -> dict[str, set[str]]:
    """The modules of this project that each imports."""
    return {name: set(imports(ast.parse(path.read_text()))) & FILES.keys() - {name} for name, path in FILES.items()}


def reachable(start: str) -> set[str]:
    seen: set[str] = set()
    queue = [start]
    while queue:
        for other in arrows()[queue.pop()] - seen:
            seen.add(other)
            queue.append(other)
    return seen


def test_no_module_imports_itself_by_way_of_others() -> None:
    assert [name for name in FILES if name in reachable(name)] == []


def test_the_core_imports_neither_plugins_nor_harness() -> None:
    outside = ("robustkit.attacks", "robustkit.defenses", "robustkit.benchmarks")
    front = ("robustkit.cli", "robustkit.__main__")
    core = {name: others for name, others in arrows().items() if not name.startswith((*outside, *front))}
    assert {(name, other) for name, others in core.items() for other in others if other.startswith(outside)} == set()


def test_attacks_defenses_and_harness_do_not_import_one_another() -> None:
    rooms = ("robustkit.attacks", "robustkit.defenses", "robustkit.benchmarks")
    across = {
        (name, other)
        for name, others in arrows().items()
        for other in others
        for mine in rooms
        for theirs in rooms
        if name.startswith(mine) and other.startswith(theirs) and mine != theirs
    }
    assert across == set()


def test_every_folder_of_code_is_in_the_distribution() -> None:
    packages = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    assert {module_of(path.parent / "__init__.py") for path in FILES.values()} - packages == set()


def test_the_rooms_of_the_harness_are_in_the_order_in_which_data_flows() -> None:
    order = ("planning", "running", "judging", "report")
    rooms = {
        name: order.index(parts[2])
        for name in FILES
        if (parts := name.split("."))[:2] == ["robustkit", "benchmarks"] and len(parts) > 2 and parts[2] in order
    }
    backwards = {(name, other) for name in rooms for other in arrows()[name] if rooms.get(other, 0) > rooms[name]}
    assert backwards == set()
    assert set(rooms.values()) == {0, 1, 2, 3}


def test_a_network_becomes_a_torch_model_by_that_name() -> None:
    """``Model(net)`` needs `robustkit.torch_model` imported, which our own modules say by calling its class."""
    bare = {
        name
        for name, path in FILES.items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Model"
    }
    assert bare == set()
