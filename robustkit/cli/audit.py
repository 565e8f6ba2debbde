"""audit: from a model and data to a verdict and an exit code."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from robustkit import watch
from robustkit.cli.gate import ThresholdOptions, show
from robustkit.cli.limits import TimeOptions
from robustkit.cli.loading import LoadingOptions
from robustkit.cli.options import Mark
from robustkit.cli.parameters import takes
from robustkit.cli.reading import ReadingOptions
from robustkit.errors import UsageError


class AuditOptions(ThresholdOptions, LoadingOptions, ReadingOptions, TimeOptions):
    """The options of an audit."""

    model: Annotated[str | None, Mark.POSITIONAL] = Field(
        None, description="builtin/… torchvision/… timm/… hf/… file:… python:… onnx:… script:… or a training run's folder"
    )
    data: str | None = Field(None, description="builtin/… folder:… npz:… csv:… parquet:… webdataset:… torchvision/… hf/…")
    threat: list[str] = Field([], description="linf:8/255, l2:0.5, patch:5% …; may be repeated")
    suite: Annotated[str, Mark.PATH] = Field(
        "standard",
        description="quick, standard, autoattack, autoattack-plus, autoattack-rand, minimum-norm, black-box, natural, "
        "parametric, physical, or a TOML file",
    )
    attack: list[str] = Field([], description="Run this attack instead of a suite, as name:key=value")
    defense: list[str] = Field([], description="Apply an input transform, as name:key=value; the first one is applied first")
    surrogate: list[str] = Field([], description="A model for transfer attacks; may be repeated")
    eot: int = Field(1, ge=1, le=100_000, description="Draws of a randomised model per query; the majority counts")
    limit: int | None = Field(None, ge=1, description="Maximum number of samples, drawn evenly from the classes")
    seed: int = Field(0, description="Seed of all random numbers")
    out: Annotated[Path | None, Mark.SHORT, Mark.PATH] = Field(None, strict=False, description="The run folder")
    device: str = Field("auto", description="auto, cpu, cuda or cuda:N")
    batch_size: int | None = Field(None, ge=1, description="Maximum number of images per pass")
    search_precision: Literal["float32", "bf16"] = Field(
        "float32", description="Precision of the search; successes are verified in full precision"
    )
    fold_batch_norm: bool = Field(False, description="Search on a copy with batch norms folded into convolutions")
    compile: bool = Field(False, description="Search on a copy compiled by torch.compile")
    channels_last: bool = Field(False, description="Search on a copy in channels-last memory format")
    skip_broken: bool = Field(False, description="Skip images that cannot be read, and list them")


@takes(AuditOptions)
def audit(options: AuditOptions) -> int:
    """Attack a model on data and give a verdict. Running the same command again resumes."""
    watch.set_limit(options.timeout)
    if options.model is None:
        raise UsageError("no model was given: name one, such as builtin/fashion-robust (robustkit models list shows them)")
    if not options.threat:
        raise UsageError("no threat was given: name one, such as --threat linf:8/255")
    data = options.data or default_data(options.model)
    from robustkit.acceleration import accelerate
    from robustkit.benchmarks.audit import audit as run_audit
    from robustkit.benchmarks.planning.suite import load_suite
    from robustkit.benchmarks.running.progress import on_stderr
    from robustkit.build import defend
    from robustkit.data.load import load_data
    from robustkit.models.load import load_model
    from robustkit.threats import Threat

    threats = [Threat.parse(text) for text in options.threat]
    if not options.attack:
        load_suite(options.suite)
    elif options.typed("suite"):
        raise UsageError(
            f"--attack {options.attack[0]} runs instead of a suite, but --suite {options.suite} was given too: omit one of them"
        )
    device, remote = options.device, options.allow_remote_code
    subject = load_model(options.model, device=device, batch_size=options.batch_size, **options.part(LoadingOptions))
    helpers = [load_model(each, device=device, allow_remote_code=remote) for each in options.surrogate]
    for spec in reversed(options.defense):
        subject = defend(subject, spec)
    if options.search_precision != "float32" or options.fold_batch_norm or options.compile or options.channels_last:
        subject = accelerate(
            subject,
            precision=options.search_precision,
            fold_batch_norm=options.fold_batch_norm,
            compiled=options.compile,
            channels_last=options.channels_last,
        )
    run = run_audit(
        subject,
        load_data(data, **options.part(ReadingOptions)),
        threats=threats,
        suite=options.suite,
        attacks=options.attack,
        out=options.out,
        limit=options.limit,
        seed=options.seed,
        min_robust=options.min_robust,
        surrogates=helpers,
        eot=options.eot,
        skip_broken=options.skip_broken,
        repeat={"command": shlex.join(["robustkit", *sys.argv[1:]]), **options.model_copy(update={"data": data}).record()},
        progress=on_stderr(),
    )
    return show(run.report, run.folder)


def default_data(model: str) -> str:
    """The default data of an embedded model."""
    if model.startswith("builtin/"):
        from robustkit.models.builtin_models import embedded

        return embedded(model).data
    raise UsageError(f"no data was given for {model}: use --data, such as --data folder:photos")
