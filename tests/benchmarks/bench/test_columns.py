"""The figures of a bench as text."""

from __future__ import annotations

from collections.abc import Callable

from robustkit.benchmarks.bench.columns import cells, footing, heading, name
from robustkit.benchmarks.bench.result import Bench, Entry

NARROW, WIDE = "\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}"


def test_a_column_without_values_is_left_out(a_bench: Callable[..., Bench]) -> None:
    bench = a_bench(
        Entry(name="fmn", kind="attack", robust_accuracy=0.5, distance=0.123456, peak_mib=12345.6),
        Entry(name="art/X:a=1", kind="peer", against="fmn", robust_accuracy=0.25, ratio_to_ours=2.345),
    )
    titles, rows = cells(bench)
    assert titles == ["", "robust", "distance", "× ours", "peak memory"]
    assert rows == [
        ["fmn", f"50.0{WIDE}%", "0.1235", "", f"12{NARROW}346 MiB"],
        ["· art/X", f"25.0{WIDE}%", "", "2.35", ""],
    ]


def test_no_entries_no_columns(a_bench: Callable[..., Bench]) -> None:
    assert cells(a_bench()) == ([""], [])


def test_a_name_moves_no_cursor() -> None:
    assert "\x1b" not in name(Entry(name="evil\x1b[2J", kind="attack"))


def test_what_was_measured_and_where(a_bench: Callable[..., Bench]) -> None:
    assert heading(a_bench(clean_accuracy=0.9)) == f"m on 10 images of d under l2:1, clean accuracy 90.0{WIDE}%"
    assert heading(a_bench(threat=None, n=1000)) == f"m on 1{NARROW}000 images of d"
    assert footing(a_bench(repeats=3)) == "median of 3 interleaved runs, torch 2, a chip, 2 CPUs, 2 threads"
    assert footing(a_bench()) == "torch 2, a chip, 2 CPUs, 2 threads"
