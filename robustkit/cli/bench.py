"""bench: attacks side by side, strength against cost, beside the bare loop and the peer libraries that are installed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from robustkit.cli import results
from robustkit.cli.limits import LIMIT as SECONDS
from robustkit.cli.limits import Timeout
from robustkit.cli.loading import loads_model
from robustkit.cli.reading import ClassOrder, Exif, FollowLinks
from robustkit.errors import ExitCode, UsageError, did_you_mean

if TYPE_CHECKING:
    from robustkit.benchmarks.bench.result import Bench
    from robustkit.benchmarks.bench.timing import Rounds
    from robustkit.data.base import Data
    from robustkit.model import Model
    from robustkit.threats import Threat

CASES = ("attacks", "pgd", "overhead", "square", "training", "memory", "protocols", "search")
#: Cases that measure on any model, and on this one unless told otherwise.
OPEN = {"protocols": ("builtin/fashion-robust", 500), "search": ("builtin/fashion-robust", 1000)}
MODEL, THREAT, LIMIT = "builtin/fashion-standard", "linf:0.1", 1000


@loads_model()
def bench(
    loading: dict[str, Any],
    model: Annotated[str | None, typer.Argument(help=f"The model that attacks meet (default {MODEL})")] = None,
    data: Annotated[
        str | None, typer.Option(help="builtin/… folder:… npz:… csv:… parquet:… webdataset:… torchvision/… hf/…")
    ] = None,
    threat: Annotated[str | None, typer.Option(help=f"linf:8/255, l2:0.5 … (default {THREAT})")] = None,
    attacks: Annotated[
        list[str] | None,
        typer.Option(
            help="An attack as name:key=value, or a suite as suite:NAME; may be repeated (default pgd, apgd-ce, fgsm, noise)"
        ),
    ] = None,
    case: Annotated[
        str,
        typer.Option(
            help="attacks, or a bar that is kept or not: pgd (against the peers), overhead and square (fixed steps against the "
            "bare loop), training (a step against bare passes), memory (10,000 against 1,000 images), protocols (the suites "
            "against official AutoAttack), search (what each acceleration buys)"
        ),
    ] = "attacks",
    peers: Annotated[
        bool, typer.Option(help="Run the same attacks of ART, foolbox and torchattacks too, where installed")
    ] = True,
    autoattack: Annotated[
        Path | None, typer.Option(help="A checkout of fra31/auto-attack, to run beside suite:autoattack or suite:standard")
    ] = None,
    adversarial_library: Annotated[
        Path | None, typer.Option(help="A checkout of jeromerony/adversarial-library, whose attacks join ours")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help=f"The most images (default {LIMIT})")] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each, in turns; the median counts")] = 3,
    class_order: ClassOrder = None,
    follow_links: FollowLinks = False,
    exif: Exif = False,
    timeout: Timeout = SECONDS,
    seed: Annotated[int, typer.Option(help="Decides every random number")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N")] = "auto",
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder for bench.json, bench.md and the plot")] = Path(
        "runs/bench"
    ),
) -> ExitCode:
    """Measure attacks side by side on one model: robust accuracy, passes, seconds. A speed bar that is not kept exits 1."""
    if case not in CASES:
        raise UsageError(f"case {case!r} is unknown: {did_you_mean(case, CASES)}")
    given = {"MODEL": model, "--data": data, "--threat": threat, "--attacks": attacks, "--limit": limit}
    given |= {f"--{name.replace('_', '-')}": value for name, value in loading.items()}
    free = given.keys() if case == "attacks" else given.keys() - {"--attacks"} if case in OPEN else ()
    fixed = [name for name, value in given.items() if value and name not in free]
    if fixed:
        raise UsageError(f"case {case!r} measures something fixed: leave out {' and '.join(fixed)}")
    checkouts = {
        "--autoattack": (autoattack, ("attacks", "protocols")),
        "--adversarial-library": (adversarial_library, ("attacks",)),
    }
    for name, (path, cases) in checkouts.items():
        if path is not None and (case not in cases or not peers):
            raise UsageError(
                f"{name} {path} has no attack to run beside in case {case!r}{'' if peers else ' with --no-peers'}: leave it out"
            )
    if case == "protocols" and autoattack is None:
        raise UsageError(
            "case 'protocols' compares with official AutoAttack: give a checkout of fra31/auto-attack with --autoattack"
        )
    from robustkit.benchmarks.bench.network import noise
    from robustkit.benchmarks.bench.result import save
    from robustkit.benchmarks.bench.table import print_bench
    from robustkit.benchmarks.bench.timing import Rounds

    rounds = Rounds(repeats, note=results.note)
    match case:
        case "overhead":
            from robustkit.benchmarks.bench.overhead import overhead

            result = overhead(noise(device, seed), rounds)
        case "square":
            from robustkit.benchmarks.bench.overhead import square

            result = square(noise(device, seed), rounds)
        case "training":
            from robustkit.benchmarks.bench.training import training

            result = training(noise(device, seed), rounds)
        case "memory":
            from robustkit.benchmarks.bench.memory import memory

            result = memory(seed=seed, device=device, note=results.note)
        case _:
            name, most = OPEN.get(case, (MODEL, LIMIT))
            reading = {"class_order": class_order, "follow_links": follow_links, "exif": exif}
            subject, images, aim = _ground(model or name, data, threat, limit or most, seed, device, reading, loading)
            result = _contest(subject, images, aim, rounds, attacks, case, peers, autoattack, adversarial_library, seed)
    written = save(result, out)
    if any(entry.cost is not None for entry in result.entries):
        from robustkit.benchmarks.bench.plot import plot

        written += plot(result, out)
    print_bench(result, written, results.console())
    return ExitCode.PASSED if all(bar.met for bar in result.bars) else ExitCode.GATE_FAILED


def _ground(
    model: str,
    data: str | None,
    threat: str | None,
    limit: int,
    seed: int,
    device: str,
    reading: dict[str, Any],
    loading: dict[str, Any],
) -> tuple[Model, Data, Threat]:
    from robustkit.cli.audit import default_data
    from robustkit.data.load import load_data
    from robustkit.models.load import load_model
    from robustkit.threats import Threat

    aim = Threat.parse(threat or THREAT)
    images = load_data(data or default_data(model), limit=limit, seed=seed, **reading)
    for note in images.notes:
        results.note(note)
    return load_model(model, device=device, **loading), images, aim


def _contest(
    model: Model,
    data: Data,
    threat: Threat,
    rounds: Rounds,
    attacks: list[str] | None,
    case: str,
    peers: bool,
    autoattack: Path | None,
    adversarial_library: Path | None,
    seed: int,
) -> Bench:
    match case:
        case "pgd":
            from robustkit.benchmarks.bench.contest import pgd_contest

            return pgd_contest(model, data, threat, rounds, seed=seed)
        case "protocols":
            from robustkit.benchmarks.bench.protocols import protocols

            assert autoattack is not None
            return protocols(model, data, threat, rounds, autoattack=autoattack, seed=seed)
        case "search":
            from robustkit.benchmarks.bench.search import search

            return search(model, data, threat, rounds, seed=seed)
    from robustkit.benchmarks.bench.contest import ATTACKS, contest

    return contest(
        model,
        data,
        threat,
        rounds,
        attacks=attacks or ATTACKS,
        peers=peers,
        autoattack=autoattack,
        adversarial_library=adversarial_library,
        seed=seed,
    )
