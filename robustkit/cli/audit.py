"""audit, report and gate: from a model and data to a verdict and an exit code."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from robustkit.cli import results
from robustkit.cli.config import ConfigFile, record
from robustkit.cli.limits import LIMIT, Timeout
from robustkit.cli.loading import loads_model
from robustkit.cli.reading import ClassOrder, Exif, FollowLinks
from robustkit.errors import UsageError

if TYPE_CHECKING:
    from robustkit.benchmarks.summary import Summary

Model = Annotated[
    str | None, typer.Argument(help="builtin/… torchvision/… timm/… hf/… file:… python:… or a training run's folder")
]
RunFolder = Annotated[Path, typer.Argument(help="The folder of an audit")]
MinRobust = Annotated[float | None, typer.Option(help="Fail unless every threat leaves at least this share right, such as 0.5")]


@loads_model()
def audit(
    context: typer.Context,
    loading: dict[str, Any],
    model: Model = None,
    data: Annotated[
        str | None, typer.Option(help="builtin/… folder:… npz:… csv:… parquet:… webdataset:… torchvision/… hf/…")
    ] = None,
    threat: Annotated[list[str] | None, typer.Option(help="linf:8/255, l2:0.5, patch:5% …; may be repeated")] = None,
    suite: Annotated[
        str,
        typer.Option(
            help="quick, standard, autoattack, autoattack-plus, autoattack-rand, minimum-norm, black-box, natural, "
            "physical, or a TOML file"
        ),
    ] = "standard",
    attack: Annotated[list[str] | None, typer.Option(help="Run this attack instead of a suite, as name:key=value")] = None,
    defense: Annotated[
        list[str] | None,
        typer.Option(help="Put an input transform in front, as name:key=value; the first one sees the image first"),
    ] = None,
    surrogate: Annotated[
        list[str] | None, typer.Option(help="A model that transfer attacks are made on; may be repeated")
    ] = None,
    eot: Annotated[
        int, typer.Option(min=1, max=100_000, help="Draws of a randomised model in each question; an answer is a majority")
    ] = 1,
    limit: Annotated[int | None, typer.Option(min=1, help="The most samples, evenly from the classes")] = None,
    seed: Annotated[int, typer.Option(help="Decides every random number")] = 0,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The run folder")] = None,
    min_robust: MinRobust = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N")] = "auto",
    batch_size: Annotated[int | None, typer.Option(min=1, help="The most images in one pass")] = None,
    search_precision: Annotated[
        str, typer.Option(help="float32 or bf16, for the search alone: successes are confirmed in full precision")
    ] = "float32",
    fold_batch_norm: Annotated[
        bool, typer.Option("--fold-batch-norm", help="Search on a copy whose batch norms are folded into its convolutions")
    ] = False,
    compile_: Annotated[bool, typer.Option("--compile", help="Search on a copy compiled by torch.compile")] = False,
    channels_last: Annotated[bool, typer.Option("--channels-last", help="Search on a copy with channels innermost")] = False,
    skip_broken: Annotated[
        bool, typer.Option("--skip-broken", help="Leave out images that cannot be read, and name them")
    ] = False,
    class_order: ClassOrder = None,
    follow_links: FollowLinks = False,
    exif: Exif = False,
    timeout: Timeout = LIMIT,
    config: ConfigFile = None,
) -> int:
    """Attack a model on data and give a verdict. The same command again resumes."""
    if model is None:
        raise UsageError("no model was given: name one, such as builtin/fashion-robust (robustkit models list shows them)")
    from robustkit.acceleration import Precision, accelerate
    from robustkit.benchmarks.audit import audit as run_audit
    from robustkit.benchmarks.progress import on_stderr
    from robustkit.benchmarks.suite import load_suite
    from robustkit.build import defend
    from robustkit.data.load import load_data
    from robustkit.models.load import load_model
    from robustkit.threats import Threat

    if not threat:
        raise UsageError("no threat was given: name one, such as --threat linf:8/255")
    threats = [Threat.parse(text) for text in threat]
    if not attack:
        load_suite(suite)
    elif (source := context.get_parameter_source("suite")) is not None and source.name == "COMMANDLINE":
        raise UsageError(
            f"--attack {attack[0]} runs instead of a suite, and --suite {suite} was given too: leave one of them out"
        )
    subject = load_model(model, device=device, batch_size=batch_size, **loading)
    remote = loading["allow_remote_code"]
    helpers = [load_model(each, device=device, allow_remote_code=remote) for each in surrogate or []]
    for spec in reversed(defense or []):
        subject = defend(subject, spec)
    if search_precision != "float32" or fold_batch_norm or compile_ or channels_last:
        subject = accelerate(
            subject,
            precision=cast(Precision, search_precision),
            fold_batch_norm=fold_batch_norm,
            compiled=compile_,
            channels_last=channels_last,
        )
    run = run_audit(
        subject,
        load_data(data or default_data(model), class_order=class_order, follow_links=follow_links, exif=exif),
        threats=threats,
        suite=suite,
        attacks=attack or [],
        out=out,
        limit=limit,
        seed=seed,
        min_robust=min_robust,
        surrogates=helpers,
        eot=eot,
        skip_broken=skip_broken,
        repeat={"command": shlex.join(["robustkit", *sys.argv[1:]]), **record(context)},
        progress=on_stderr(),
    )
    return show(run.report, run.folder)


def default_data(model: str) -> str:
    """The data an embedded model is audited on when none is named."""
    if model.startswith("builtin/fashion"):
        return "builtin/fashion"
    raise UsageError(f"no data was given for {model}: name some, such as --data folder:photos")


def report(run: RunFolder) -> int:
    """Judge a finished run again from its records, by what was last required, and write its report anew."""
    from robustkit.benchmarks.verdict import judge_run

    return show(judge_run(run, None, results.note), run)


def gate(run: RunFolder, min_robust: MinRobust = None) -> int:
    """Judge a finished run by a threshold, from its records and kept images, and exit with the verdict's code."""
    from robustkit.benchmarks.verdict import judge_run

    if min_robust is None:
        raise UsageError("a gate needs a threshold: give --min-robust, such as 0.5")
    if not 0 <= min_robust <= 1:
        raise UsageError(f"--min-robust {min_robust:g} must be a share between 0 and 1, such as 0.5")
    return show(judge_run(run, min_robust, results.note), run)


def show(summary: Summary, folder: Path) -> int:
    """Print the verdict and return its exit code."""
    from robustkit.benchmarks.text import terminal

    results.console().print(terminal(summary, folder / "report.html"))
    return summary.exit_code
