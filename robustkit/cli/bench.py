"""bench: strength and cost of attacks, compared with a bare loop and the installed peer libraries."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from robustkit import watch
from robustkit.cli import results
from robustkit.cli.limits import TimeOptions
from robustkit.cli.loading import LoadingOptions
from robustkit.cli.options import Mark
from robustkit.cli.parameters import takes
from robustkit.cli.reading import ReadingOptions
from robustkit.errors import ExitCode, UsageError, did_you_mean

if TYPE_CHECKING:
    from robustkit.benchmarks.bench.result import Bench
    from robustkit.benchmarks.bench.timing import Rounds

CASES = ("attacks", "pgd", "overhead", "passes", "square", "training", "memory", "protocols", "search")
#: Cases that accept any model, with the default model and number of images.
OPEN = {"protocols": ("builtin/fashion-robust", 500), "search": ("builtin/fashion-robust", 1000)}
MODEL, THREAT, LIMIT = "builtin/fashion-standard", "linf:0.1", 1000


class BenchOptions(LoadingOptions, ReadingOptions, TimeOptions):
    """The options of a bench."""

    model: Annotated[str | None, Mark.POSITIONAL] = Field(None, description=f"The attacked model (default {MODEL})")
    data: str | None = Field(None, description="builtin/… folder:… npz:… csv:… parquet:… webdataset:… torchvision/… hf/…")
    threat: str | None = Field(None, description=f"linf:8/255, l2:0.5 … (default {THREAT})")
    attacks: list[str] = Field(
        [],
        description="An attack as name:key=value, or a suite as suite:NAME; may be repeated (default pgd, apgd-ce, fgsm, noise)",
    )
    case: str = Field(
        "attacks",
        description="attacks, or a case with required limits: pgd (vs. the peers), overhead and square (fixed steps vs. the bare "
        "loop), passes (on a small network), training (a step vs. bare passes), memory (10,000 vs. 1,000 images), protocols (the "
        "suites vs. official AutoAttack), search (the speed-up of each acceleration)",
    )
    peers: bool = Field(True, description="Also run the same attacks from ART, foolbox and torchattacks, if installed")
    autoattack: Path | None = Field(
        None, strict=False, description="A checkout of fra31/auto-attack, to compare with suite:autoattack or suite:standard"
    )
    adversarial_library: Path | None = Field(
        None, strict=False, description="A checkout of jeromerony/adversarial-library, to compare with its attacks"
    )
    limit: int | None = Field(None, ge=1, description=f"Maximum number of images (default {LIMIT})")
    repeats: int = Field(3, ge=1, description="Interleaved runs of each; the median counts")
    seed: int = Field(0, description="Seed of all random numbers")
    device: str = Field("auto", description="auto, cpu, cuda or cuda:N")
    out: Annotated[Path, Mark.SHORT] = Field(
        Path("runs/bench"), strict=False, description="The folder for bench.json, bench.md and the plot"
    )


@takes(BenchOptions, configured=False)
def bench(options: BenchOptions) -> ExitCode:
    """Compare attacks on one model: robust accuracy, passes, seconds. Exits with 1 if a required limit is not met."""
    watch.set_limit(options.timeout)
    _check(options)
    from robustkit.benchmarks.bench.network import noise
    from robustkit.benchmarks.bench.saving import save
    from robustkit.benchmarks.bench.table import print_bench
    from robustkit.benchmarks.bench.timing import Rounds

    rounds = Rounds(options.repeats, note=results.note)
    match options.case:
        case "overhead":
            from robustkit.benchmarks.bench.overhead import overhead

            result = overhead(noise(options.device, options.seed), rounds)
        case "square":
            from robustkit.benchmarks.bench.overhead import square

            result = square(noise(options.device, options.seed), rounds)
        case "training":
            from robustkit.benchmarks.bench.training import training

            result = training(noise(options.device, options.seed), rounds)
        case "memory":
            from robustkit.benchmarks.bench.memory import memory

            result = memory(seed=options.seed, device=options.device, note=results.note)
        case _:
            result = _contest(options, rounds)
    written = save(result, options.out)
    if any(entry.cost is not None for entry in result.entries):
        from robustkit.benchmarks.bench.plot import plot

        written += plot(result, options.out)
    print_bench(result, written, results.console())
    return ExitCode.PASSED if all(bar.met for bar in result.bars) else ExitCode.GATE_FAILED


def _check(options: BenchOptions) -> None:
    """Raise `UsageError` for options that do not apply to the case."""
    case, peers = options.case, options.peers
    if case not in CASES:
        raise UsageError(f"case {case!r} is unknown: {did_you_mean(case, CASES)}")
    given = {"MODEL": options.model} | {f"--{name}": getattr(options, name) for name in ("data", "threat", "attacks", "limit")}
    given |= {f"--{name.replace('_', '-')}": value for name, value in options.part(LoadingOptions).items()}
    free = given.keys() if case == "attacks" else given.keys() - {"--attacks"} if case in OPEN else ()
    fixed = [name for name, value in given.items() if value and name not in free]
    if fixed:
        raise UsageError(f"case {case!r} has a fixed setting: omit {' and '.join(fixed)}")
    checkouts = {
        "--autoattack": (options.autoattack, ("attacks", "protocols")),
        "--adversarial-library": (options.adversarial_library, ("attacks",)),
    }
    for name, (path, cases) in checkouts.items():
        if path is not None and (case not in cases or not peers):
            raise UsageError(
                f"{name} {path} has no attack to compare with in case {case!r}{'' if peers else ' with --no-peers'}: omit it"
            )
    if case == "protocols" and options.autoattack is None:
        raise UsageError(
            "case 'protocols' compares with official AutoAttack: give a checkout of fra31/auto-attack with --autoattack"
        )


def _contest(options: BenchOptions, rounds: Rounds) -> Bench:
    """The result of a case that attacks one model."""
    from robustkit.cli.audit import default_data
    from robustkit.data.load import load_data
    from robustkit.models.load import load_model
    from robustkit.threats import Threat

    name, most = OPEN.get(options.case, (MODEL, LIMIT))
    name, seed = options.model or name, options.seed
    threat = Threat.parse(options.threat or THREAT)
    reading = options.part(ReadingOptions)
    data = load_data(options.data or default_data(name), limit=options.limit or most, seed=seed, **reading)
    for note in data.notes:
        results.note(note)
    model = load_model(name, device=options.device, **options.part(LoadingOptions))
    match options.case:
        case "pgd":
            from robustkit.benchmarks.bench.contest import pgd_contest

            return pgd_contest(model, data, threat, rounds, seed=seed)
        case "passes":
            from robustkit.benchmarks.bench.passes import passes

            return passes(model, data, threat, rounds, seed=seed)
        case "protocols":
            from robustkit.benchmarks.bench.protocols import protocols

            assert options.autoattack is not None
            return protocols(model, data, threat, rounds, autoattack=options.autoattack, seed=seed)
        case "search":
            from robustkit.benchmarks.bench.search import search

            return search(model, data, threat, rounds, seed=seed)
    from robustkit.benchmarks.bench.contest import ATTACKS, contest

    return contest(
        model,
        data,
        threat,
        rounds,
        attacks=options.attacks or ATTACKS,
        peers=options.peers,
        autoattack=options.autoattack,
        adversarial_library=options.adversarial_library,
        seed=seed,
    )
