"""The numbers of a bench as text, shared by the terminal table and the Markdown table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from robustkit.benchmarks.bench.result import Bench, Entry
from robustkit.benchmarks.report.words import count, percent, seconds, short
from robustkit.printable import printable

#: Title, field of the entry, and format of its value. Columns without any value are omitted.
COLUMNS: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
    ("robust", "robust_accuracy", percent),
    ("distance", "distance", lambda value: f"{value:.4g}"),
    ("optimality", "optimality", lambda value: f"{value:.3f}"),
    ("forwards", "forwards", short),
    ("backwards", "backwards", short),
    ("time", "seconds", seconds),
    ("× bare loop", "ratio_to_raw", lambda value: f"{value:.3f}"),
    ("× ours", "ratio_to_ours", lambda value: f"{value:.2f}"),
    ("passes/s", "passes_per_second", count),
    ("peak memory", "peak_mib", lambda value: f"{count(value)} MiB"),
)


def cells(bench: Bench) -> tuple[list[str], list[list[str]]]:
    """Titles, and a row per entry that starts with its name; peers follow the attack they are compared with."""
    shown = [column for column in COLUMNS if any(getattr(entry, column[1]) is not None for entry in bench.entries)]
    return ["", *(title for title, _, _ in shown)], [
        [name(entry), *(text(entry, column) for column in shown)] for entry in bench.entries
    ]


def name(entry: Entry) -> str:
    """The first cell of a row."""
    return f"{'· ' if entry.against else ''}{printable(entry.label)}"


def text(entry: Entry, column: tuple[str, str, Callable[[Any], str]]) -> str:
    """One formatted value, or an empty text."""
    value = getattr(entry, column[1])
    return "" if value is None else column[2](value)


def heading(bench: Bench) -> str:
    """The model, data and threat in one line."""
    head = f"{printable(bench.model)} on {count(bench.n)} images of {printable(bench.data)}"
    head += f" under {bench.threat}" if bench.threat else ""
    return head + (f", clean accuracy {percent(bench.clean_accuracy)}" if bench.clean_accuracy is not None else "")


def footing(bench: Bench) -> str:
    """The number of runs and the environment in one line."""
    place = bench.environment
    runs = f"median of {bench.repeats} interleaved runs, " if bench.repeats > 1 else ""
    return f"{runs}torch {place.versions['torch']}, {place.hardware}, {place.cpus} CPUs, {place.threads} threads"
