"""The terminal's view of a bench."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from robustkit.benchmarks.bench.columns import cells, footing, heading
from robustkit.benchmarks.bench.result import Bar, Bench
from robustkit.printable import printable

WIDEST = 1000


def render(bench: Bench) -> RenderableType:
    """The contenders, the bars and the skipped peers."""
    titles, rows = cells(bench)
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("", overflow="fold")
    for title in titles[1:]:
        table.add_column(title, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*map(Text, row))
    parts: list[RenderableType] = [Text(heading(bench)), table]
    parts += [_bar(bar) for bar in bench.bars]
    parts += [Text(f"skipped: {printable(peer.name)}: {printable(peer.reason)}") for peer in bench.skipped]
    parts.append(Text(footing(bench), "dim"))
    return Group(*parts)


def verdict(bar: Bar) -> str:
    """A bar's value, its limit, and the range of its rounds."""
    spread = f"; rounds {min(bar.rounds):.3f} to {max(bar.rounds):.3f}" if bar.rounds else ""
    return f"{bar.name}: {bar.value:.3f} ({bar.sense} {bar.limit:g}{spread})"


def _bar(bar: Bar) -> Text:
    word, style = ("met", "green") if bar.met else ("NOT MET", "bold red")
    return Text.assemble((word, style), f"  {verdict(bar)}")


def print_bench(bench: Bench, written: Sequence[Path], console: Console) -> None:
    """Print a bench and the paths of its files."""
    rendered = render(bench)
    # A table too wide for the terminal overflows: truncated numbers would be useless.
    console.width = max(console.width, Measurement.get(console, console.options.update(width=WIDEST), rendered).maximum)
    console.print(rendered, soft_wrap=True, highlight=False)
    console.print(Text("written: " + ", ".join(str(path) for path in written), "dim"), soft_wrap=True, highlight=False)
