"""bench: attacks side by side, strength against cost, beside the bare loop and the peer libraries that are installed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from robustkit.errors import ExitCode, UsageError, did_you_mean

if TYPE_CHECKING:
    from robustkit.benchmarks.bench.result import Bench

CASES = ("attacks", "pgd", "overhead", "training", "memory")
MODEL, THREAT, LIMIT = "builtin/fashion-standard", "linf:0.1", 1000


def bench(
    model: Annotated[str | None, typer.Argument(help=f"The model that attacks meet (default {MODEL})")] = None,
    data: Annotated[str | None, typer.Option(help="builtin/… folder:… npz:… torchvision/… hf/…")] = None,
    threat: Annotated[str | None, typer.Option(help=f"linf:8/255, l2:0.5 … (default {THREAT})")] = None,
    attacks: Annotated[
        list[str] | None, typer.Option(help="An attack as name:key=value; may be repeated (default pgd, apgd-ce, fgsm, noise)")
    ] = None,
    case: Annotated[
        str,
        typer.Option(
            help="attacks, or a speed bar that is kept or not: pgd (against the peers), overhead (fixed steps against the bare "
            "loop), training (a step against bare passes), memory (10,000 against 1,000 images)"
        ),
    ] = "attacks",
    peers: Annotated[bool, typer.Option(help="Run ART, foolbox and torchattacks too, where installed")] = True,
    limit: Annotated[int | None, typer.Option(min=1, help=f"The most images (default {LIMIT})")] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each, in turns; the median counts")] = 3,
    seed: Annotated[int, typer.Option(help="Decides every random number")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N")] = "auto",
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder for bench.json and the plot")] = Path("runs/bench"),
) -> None:
    """Measure attacks side by side on one model: robust accuracy, passes, seconds. A speed bar that is not kept exits 1."""
    if case not in CASES:
        raise UsageError(f"case {case!r} is unknown: {did_you_mean(case, CASES)}")
    given = {"MODEL": model, "--data": data, "--threat": threat, "--attacks": attacks, "--limit": limit}
    fixed = [name for name, value in given.items() if value and case != "attacks"]
    if fixed:
        raise UsageError(f"case {case!r} measures something fixed: leave out {' and '.join(fixed)}")
    from robustkit.benchmarks.bench.result import save
    from robustkit.benchmarks.bench.table import print_bench

    match case:
        case "overhead":
            from robustkit.benchmarks.bench.overhead import overhead

            result = overhead(repeats=repeats, seed=seed, device=device, note=_note)
        case "training":
            from robustkit.benchmarks.bench.training import training

            result = training(repeats=repeats, seed=seed, device=device, note=_note)
        case "memory":
            from robustkit.benchmarks.bench.memory import memory

            result = memory(seed=seed, device=device, note=_note)
        case _:
            result = _contest(model, data, threat, attacks, case, peers, limit, repeats, seed, device)
    path = save(result, out)
    pictures = []
    if any(entry.cost is not None for entry in result.entries):
        from robustkit.benchmarks.bench.plot import plot

        pictures = plot(result, out)
    print_bench(result, [path, *pictures])
    if not all(bar.met for bar in result.bars):
        raise typer.Exit(ExitCode.GATE_FAILED)


def _contest(
    model: str | None,
    data: str | None,
    threat: str | None,
    attacks: list[str] | None,
    case: str,
    peers: bool,
    limit: int | None,
    repeats: int,
    seed: int,
    device: str,
) -> Bench:
    from robustkit.benchmarks.bench.contest import ATTACKS, contest, pgd_contest
    from robustkit.cli.audit import default_data
    from robustkit.data.load import load_data
    from robustkit.models.load import load_model
    from robustkit.threats import Threat

    name = model or MODEL
    aim = Threat.parse(threat or THREAT)
    images = load_data(data or default_data(name), limit=limit or LIMIT, seed=seed)
    subject = load_model(name, device=device)
    if case == "pgd":
        return pgd_contest(subject, images, aim, repeats=repeats, seed=seed, note=_note)
    return contest(subject, images, aim, attacks=attacks or ATTACKS, peers=peers, repeats=repeats, seed=seed, note=_note)


def _note(sentence: str) -> None:
    print(sentence, file=sys.stderr)
