"""The terminal's view of a bench."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from robustkit.benchmarks.bench.result import Bar, Bench
from robustkit.benchmarks.words import count, percent, printable, seconds, short


def render(bench: Bench) -> RenderableType:
    """The contenders, the bars and what was left out."""
    head = f"{printable(bench.model)} on {count(bench.n)} images of {printable(bench.data)}"
    head += f" under {bench.threat}" if bench.threat else ""
    head += f", clean accuracy {percent(bench.clean_accuracy)}" if bench.clean_accuracy is not None else ""
    place = bench.environment
    parts: list[RenderableType] = [Text(head), _contenders(bench)]
    parts += [_bar(bar) for bar in bench.bars]
    parts += [Text(f"left out: {peer.name}: {peer.reason}") for peer in bench.skipped]
    runs = f"median of {bench.repeats} interleaved runs, " if bench.repeats > 1 else ""
    parts.append(
        Text(f"{runs}torch {place.versions['torch']}, {place.hardware}, {place.cpus} CPUs, {place.threads} threads", "dim")
    )
    return Group(*parts)


def _contenders(bench: Bench) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("", overflow="fold")
    judged = any(entry.robust_accuracy is not None for entry in bench.entries)
    counted = any(entry.forwards is not None for entry in bench.entries)
    timed = any(entry.seconds is not None for entry in bench.entries)
    weighed = any(entry.peak_mib is not None for entry in bench.entries)
    columns = (
        (judged, "robust"), (counted, "forwards"), (counted, "backwards"), (timed, "time"), (timed, "× bare loop"),
        (weighed, "peak memory"),
    )  # fmt: skip
    for shown, title in columns:
        if shown:
            table.add_column(title, justify="right", no_wrap=True)
    for entry in bench.entries:
        cells = (
            (judged, "" if entry.robust_accuracy is None else percent(entry.robust_accuracy)),
            (counted, "" if entry.forwards is None else short(entry.forwards)),
            (counted, "" if entry.backwards is None else short(entry.backwards)),
            (timed, "" if entry.seconds is None else seconds(entry.seconds)),
            (timed, "" if entry.ratio_to_raw is None else f"{entry.ratio_to_raw:.3f}"),
            (weighed, "" if entry.peak_mib is None else f"{count(entry.peak_mib)} MiB"),
        )
        table.add_row(printable(entry.name), *(text for shown, text in cells if shown))
    return table


def _bar(bar: Bar) -> Text:
    word, style = ("kept", "green") if bar.met else ("NOT KEPT", "bold red")
    spread = f"; rounds {min(bar.rounds):.3f} to {max(bar.rounds):.3f}" if bar.rounds else ""
    return Text.assemble((word, style), f"  {bar.name}: {bar.value:.3f} ({bar.sense} {bar.limit:g}{spread})")


def print_bench(bench: Bench, written: Sequence[Path]) -> None:
    """Print a bench and where its files are."""
    console = Console(highlight=False)
    console.print(render(bench), soft_wrap=True)
    console.print(Text("written: " + ", ".join(str(path) for path in written), "dim"), soft_wrap=True)
