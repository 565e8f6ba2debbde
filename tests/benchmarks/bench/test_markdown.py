"""The Markdown table: every contender, its peers below it, and nothing that marks anything up."""

from __future__ import annotations

from robustkit.benchmarks.bench.markdown import escaped, markdown
from robustkit.benchmarks.bench.result import Bar, Bench, Entry, Environment, SkippedPeer

PLACE = Environment(python="3", versions={"torch": "2"}, device="cpu", hardware="a chip", cpus=2, threads=2)


def test_a_table_with_peers_bars_and_reasons() -> None:
    bench = Bench(
        case="attacks",
        model="my_model",
        data="d",
        n=1000,
        threat="l2:1",
        repeats=3,
        entries=[
            Entry(name="fmn", kind="attack", robust_accuracy=0.5, distance=float("inf"), optimality=0.25, seconds=1.0),
            Entry(name="adv_lib/fmn:steps=3", kind="peer", against="fmn", robust_accuracy=0.4, seconds=2.0, ratio_to_ours=2.0),
        ],
        bars=[Bar(name="a|b", value=1, limit=2, sense="at most")],
        skipped=[SkippedPeer(name="torchattacks/PGD", reason="not installed")],
        environment=PLACE,
    )
    assert markdown(bench).splitlines() == [
        "my\\_model on 1\N{NARROW NO-BREAK SPACE}000 images of d under l2:1",
        "",
        "|  | robust | distance | optimality | time | × ours |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        "| fmn | 50.0\N{NO-BREAK SPACE}% | inf | 0.250 | 1\N{NO-BREAK SPACE}s |  |",
        "| · adv\\_lib/fmn | 40.0\N{NO-BREAK SPACE}% |  |  | 2\N{NO-BREAK SPACE}s | 2.00 |",
        "",
        "- met: a\\|b: 1.000 (at most 2)",
        "- skipped: torchattacks/PGD: not installed",
        "",
        "median of 3 interleaved runs, torch 2, a chip, 2 CPUs, 2 threads",
    ]
    assert Bench.model_validate_json(bench.model_dump_json()) == bench  # infinity included


def test_nothing_marks_up() -> None:
    assert escaped("a|b `c` *d*\n<e>") == "a\\|b \\`c\\` \\*d\\* \\<e\\>"
