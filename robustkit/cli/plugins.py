"""attacks, defenses and plugins: list the registered plugins, and check whether they keep the contract."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from robustkit.cli import results
from robustkit.errors import ExitCode, UsageError, what_happened
from robustkit.printable import one_line

GROUPS = ("attacks", "threats", "defenses")

Name = Annotated[str, typer.Argument(help="A name from the list, or LIBRARY/CLASS")]
LibraryName = Annotated[str | None, typer.Argument(help="A library whose classes to list instead, such as art/")]


def attacks_list(library: LibraryName = None) -> None:
    """List all attacks with their norms, knowledge, cost and paper."""
    rows = []
    for plugin in registered("attacks", library):
        try:
            loaded = plugin.load()
        except UsageError as error:  # one broken package does not hide the others
            rows.append([plugin.name, "", "", "", "", str(error)])
            continue
        info = loaded.info
        goals = "targeted" if getattr(loaded, "only_targeted", False) else "both" if info.targeted else "untargeted"
        rows.append([plugin.name, " ".join(info.threats), info.knowledge, goals, info.cost, info.paper])
    table(["attack", "threats", "knowledge", "goal", "cost per sample", "paper"], rows)
    if library is None:
        bridged("attacks")


def attacks_show(name: Name) -> None:
    """Parameters and properties of an attack."""
    from robustkit.registry import find

    loaded = find("attacks", name).load()
    info = loaded.info
    describe(name, loaded)
    facts = {
        "threats": ", ".join(info.threats),
        "knowledge": info.knowledge,
        "targeted": "yes" if info.targeted else "no",
        "cost": info.cost,
        "paper": info.paper,
    }
    table(["", ""], [[key, value] for key, value in facts.items()])


def defenses_list(library: LibraryName = None) -> None:
    """List all defenses with their kind, gradient and paper."""
    rows = []
    for plugin in registered("defenses", library):
        try:
            info = plugin.load().info
        except UsageError as error:
            rows.append([plugin.name, "", "", str(error)])
            continue
        rows.append([plugin.name, info.kind, info.gradient or "", info.paper])
    table(["defense", "kind", "gradient", "paper"], rows)
    if library is None:
        bridged("defenses")


def defenses_show(name: Name) -> None:
    """Parameters and properties of a defense."""
    from robustkit.registry import find

    loaded = find("defenses", name).load()
    describe(name, loaded)
    facts = {"kind": loaded.info.kind, "gradient": loaded.info.gradient or "", "paper": loaded.info.paper}
    table(["", ""], [[key, value] for key, value in facts.items() if value])


def plugins_list() -> None:
    """List all plugins with their distributions."""
    rows = [
        [plugin.name, group[:-1], f"{plugin.distribution} {plugin.version}", plugin.entry.value]
        for group in GROUPS
        for plugin in registered(group)
    ]
    table(["plugin", "kind", "from", "where"], rows)


def plugins_check(
    package: Annotated[str, typer.Argument(help="A distribution with plugins, or one plugin's name")],
) -> ExitCode:
    """Run the conformance checks of the built-in plugins on a package's attacks, threats and defenses."""
    chosen = [(group, p) for group in GROUPS for p in registered(group) if package in (p.name, p.distribution)]
    if not chosen:
        raise UsageError(
            f"no plugin is registered by {package!r}: install it, and give it an entry point in the group robustkit.attacks, "
            "robustkit.threats or robustkit.defenses"
        )
    failed = 0
    for group, plugin in chosen:
        try:
            findings = merged(check(group, plugin))
        except UsageError as error:  # cannot be imported, or built without parameters
            findings = [str(error)]
        except (Exception, SystemExit) as error:  # raised by the plugin's code; the others are still checked
            findings = [what_happened(error)]
        failed += bool(findings)
        results.say(
            f"{group[:-1]} {plugin.name}: "
            + ("keeps the contract" if not findings else f"{len(findings)} {'finding' if len(findings) == 1 else 'findings'}")
        )
        for finding in findings:
            results.say(f"  {finding}")
    return ExitCode.GATE_FAILED if failed else ExitCode.PASSED


def check(group: str, plugin: Any) -> list[Any]:
    """The findings of the conformance checks of a plugin."""
    from robustkit import build, registry

    if group == "attacks":
        from robustkit.conformance.attack import check_attack

        return check_attack(build.attack(plugin.name))
    if group == "threats":
        from robustkit.conformance.threat import check_kind

        return check_kind(plugin.name, plugin.load())
    from robustkit.conformance.defense import check_defense

    return check_defense(registry.build("defenses", plugin.name, {}))


def merged(findings: list[Any]) -> list[str]:
    """One line per distinct finding, with its number of occurrences."""
    alike: dict[str, list[Any]] = {}
    for finding in findings:
        alike.setdefault(finding.message, []).append(finding)
    return [f"{same[0]}" + (f" (and {len(same) - 1} more times)" if len(same) > 1 else "") for same in alike.values()]


def registered(group: Any, library: str | None = None) -> list[Any]:
    """The plugins of a group in order, or those bridged from a library."""
    from robustkit.errors import did_you_mean
    from robustkit.registry import bridges, find, plugins

    if library is None:
        return list(plugins(group).values())
    name, known = library.rstrip("/"), bridges(group)
    if name not in known:
        raise UsageError(f"no {group} come from a library {library!r}: {did_you_mean(name, known)}")
    return [find(group, f"{name}/{member}") for member in known[name].load().names()]


def bridged(group: Any) -> None:
    """Print a line for each library whose classes are available through a bridge."""
    from robustkit.registry import bridges

    results.say()
    for name, entry in bridges(group).items():
        library = entry.load()
        if library.version is None:
            results.say(f"{name}/CLASS: {library.distribution} is not installed (pip install {library.install})")
            continue
        count = f"{len(library.names())} {group} of {library.distribution} {library.version}"
        results.say(f"{name}/CLASS: {count} (robustkit {group} list {name}/)")


def describe(name: str, loaded: Any) -> None:
    """Print a plugin's docstring and its parameters with their defaults."""
    import dataclasses
    import inspect

    results.say(f"{name}\n\n{inspect.getdoc(loaded)}\n")
    fields = [field for field in dataclasses.fields(loaded) if field.init]
    defaults = {f.name: f.default if f.default is not dataclasses.MISSING else "required" for f in fields}
    results.say(f"defaults: {name}:" + ",".join(f"{key}={value}" for key, value in defaults.items()) + "\n")


def table(columns: list[str], rows: list[list[str]]) -> None:
    """Print rows to stdout, in plain text."""
    from rich.markup import escape
    from rich.table import Table

    grid = Table(box=None, pad_edge=False, show_header=any(columns))
    for column in columns:
        grid.add_column(column, overflow="fold")
    for row in rows:
        grid.add_row(*(escape(one_line(cell, 2000)) for cell in row))
    console = results.console()
    (console if console.is_terminal else results.console(200)).print(grid)
