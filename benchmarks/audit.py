"""One call from a model and data to a verdict: ``audit(model, data, threats=["linf:8/255"], out="runs/mine")``."""

from __future__ import annotations

import datetime
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file

from robustkit import __version__
from robustkit.benchmarks.cause import better_input
from robustkit.benchmarks.cell import FORMAT, digest_of
from robustkit.benchmarks.check import check_model
from robustkit.benchmarks.clean import diagnose_clean
from robustkit.benchmarks.corruption_run import run_corruptions
from robustkit.benchmarks.execute import CLEAN, Work, curve_ids, execute, right_ids
from robustkit.benchmarks.flags import diagnose
from robustkit.benchmarks.gates import judge
from robustkit.benchmarks.plan import ThreatPlan, plan
from robustkit.benchmarks.progress import Progress, Silent
from robustkit.benchmarks.run import Run, run_name
from robustkit.benchmarks.statistics import estimate
from robustkit.benchmarks.suite import Suite, ad_hoc_suite, load_suite
from robustkit.benchmarks.summarize import summarize_threat
from robustkit.benchmarks.summary import (
    AttackPart,
    CorruptionErrorPart,
    DataPart,
    Flag,
    ModelPart,
    Summary,
    ThreatPart,
    Verdict,
)
from robustkit.contract import Status
from robustkit.data.load import as_data
from robustkit.defense import DefendedModel
from robustkit.errors import AttackError, UsageError
from robustkit.files import atomic
from robustkit.model import Model
from robustkit.models.load import load_model
from robustkit.rng import check_seed
from robustkit.threats import CorruptionThreat, Threat
from robustkit.universal import UniversalAttack


def audit(
    model: Model | str,
    data: Any,
    *,
    threats: Sequence[Threat | str],
    suite: str = "standard",
    attacks: Sequence[str] = (),
    out: str | Path | None = None,
    limit: int | None = None,
    seed: int = 0,
    min_robust: float | None = None,
    surrogates: Sequence[Model | str] = (),
    eot: int = 1,
    skip_broken: bool = False,
    repeat: dict[str, Any] | None = None,
    progress: Progress | None = None,
) -> Run:
    """Audit a model: attack every sample under every threat, and leave records, summary and report in a folder.

    The same call again resumes: what is on disk is not computed twice.

    Parameters
    ----------
    model
        A `Model` (with its input transforms, if any) or a model's name.
    data
        `Data`, a name, a pair of tensors ``(x, y)``, or a torch Dataset or DataLoader.
    threats
        What the attacker may do, as `Threat` or text.
    suite
        Which attacks run: a built-in suite such as ``quick``, ``standard`` or ``autoattack``, or a TOML file.
    attacks
        Attacks to run instead of a suite, as ``name:key=value``.
    out
        The run folder; by default one under ``runs/`` named after the configuration.
    limit
        The most samples, drawn evenly from the classes.
    seed
        Decides every random number.
    min_robust
        The robust accuracy in [0, 1] that every threat must reach.
    surrogates
        Models, or their names, that transfer attacks are made on.
    eot
        Draws of a randomised model in each question about it, or the model's own `draws` if those are more: clean accuracy,
        every success and its verification are a majority of that many fresh draws.
    skip_broken
        Leave out images that cannot be read, and name them in the summary.
    repeat
        What the report shows for repeating the run, such as the command.
    progress
        Where progress is shown; nowhere by default.

    Returns
    -------
    Run
        The run folder, with `summary` and `exit_code`.

    Raises
    ------
    RobustkitError
        If a value cannot be used, or the folder holds a run of another configuration.
    """
    if min_robust is not None and not 0 <= min_robust <= 1:
        raise UsageError(f"min_robust={min_robust} must be a share between 0 and 1, such as 0.5")
    check_seed(seed)
    shown = progress or Silent()
    chosen = ad_hoc_suite(list(attacks)) if attacks else load_suite(suite)
    wanted = [Threat.parse(threat) if isinstance(threat, str) else threat for threat in threats]
    if eot < 1:
        raise UsageError(f"eot={eot} must be at least 1: the draws of a randomised model in each question")
    subject = (load_model(model) if isinstance(model, str) else model).with_draws(eot)
    whole = as_data(data)
    helpers = [load_model(each, device=subject.device) if isinstance(each, str) else each for each in surrogates]
    matched = whole.matched(subject)
    samples = matched if limit is None else matched.limit(limit, seed)
    resolved = {
        "format": FORMAT,
        "model": subject.name,
        "data": samples.name,
        "limit": limit,
        "seed": seed,
        "skip_broken": skip_broken,
        "threats": [threat.id for threat in wanted],
        "suite": chosen.model_dump(mode="json"),
        "search": "" if subject.twin is None else repr(subject.twin.net),
        "surrogates": [[each.name, each.fingerprint()] for each in helpers],
        "eot": subject.draws,
        "model_fingerprint": subject.fingerprint(),
        "data_fingerprint": samples.fingerprint(),
        "samples": digest_of([samples.ids.tolist(), samples.labels.tolist()]),
    }
    parts = ("model_fingerprint", "search", "data_fingerprint", "samples", "seed", "skip_broken", "eot")
    context = digest_of([resolved[key] for key in parts])
    span = subject.bounds[1] - subject.bounds[0]
    defended = isinstance(subject, DefendedModel)
    drawn, device = subject.draws, subject.device
    plans = plan(chosen, wanted, context, span=span, defended=defended, surrogates=helpers, eot=drawn, device=device)
    run = Run(Path(out) if out is not None else Path("runs") / run_name([subject.name, resolved]))
    warnings = check_model(subject, samples, wanted, skip_broken) if len(samples) else []
    for note in samples.notes:
        shown.note(note)
    run.open({"resolved": resolved, **surroundings(subject, repeat)})
    work = Work(run.folder, subject, samples, seed, skip_broken, f"{CLEAN}-{context[:12]}", shown.note)
    on_curve = chosen.curve.samples if chosen.curve else 0
    try:
        classes = count_classes(work)
        skipped = execute(work, [cell for one in plans for cell in one.cells], on_curve, shown)
        plans = escalate(work, plans, warnings, shown)
        corrupted = corruptions(work, plans, chosen, shown)
    except BaseException as error:
        run.close("interrupted" if isinstance(error, KeyboardInterrupt) else "failed")
        raise
    finally:
        shown.stop()
    draw_patches(run.folder, plans, subject)
    warnings = [*warnings, *(Flag(id="data", weakens=False, sentence=note) for note in samples.notes)]
    summary = summarize(run, work, plans, chosen, len(whole), skipped, warnings, min_robust, corrupted, classes)
    run.write_json("summary.json", summary.model_dump(mode="json"))
    write_documents(run.folder)
    run.close("complete")
    run.__dict__.pop("report", None)
    return run


def escalate(work: Work, plans: Sequence[ThreatPlan], warnings: Sequence[Flag], progress: Progress) -> list[ThreatPlan]:
    """Run the escalation of each threat whose records leave doubts; return the plans with what ran."""
    n = len(work.data)
    doubts = [flag for flag in warnings if flag.weakens]
    judged = []
    for one in plans:
        signs = [*doubts, *diagnose([(cell, work.rows(cell.name)) for cell in one.main], n)] if one.escalation else []
        judged.append(one.escalated([flag.id for flag in signs]) if signs else one)
    extra = [cell for one, after in zip(plans, judged, strict=True) for cell in after.main[len(one.main) :]]
    if extra:
        names = ", ".join(one.threat.id for one in judged if one.reasons)
        progress.note(f"signs of masked gradients under {names}: escalating")
        execute(work, extra, 0, progress)
    return judged


def corruptions(
    work: Work, plans: Sequence[ThreatPlan], suite: Suite, progress: Progress
) -> dict[tuple[str, ...], CorruptionErrorPart | AttackError | None]:
    """The mean corruption error over the corruptions of each threat of them, if the suite asks for it; or why it has none."""
    threats = [one.threat for one in plans if suite.corruption_error]
    found: dict[tuple[str, ...], CorruptionErrorPart | AttackError | None] = {}
    for kinds in dict.fromkeys(threat.kinds for threat in threats if isinstance(threat, CorruptionThreat)):
        try:
            found[kinds] = run_corruptions(work, kinds, progress)
        except AttackError as error:
            found[kinds] = error
    return found


def summarize(
    run: Run,
    work: Work,
    plans: Sequence[ThreatPlan],
    suite: Suite,
    available: int,
    skipped: list[str],
    warnings: list[Flag],
    min_robust: float | None,
    corrupted: dict[tuple[str, ...], CorruptionErrorPart | AttackError | None],
    classes: int,
) -> Summary:
    """The summary of a finished run, from its records."""
    clean = work.rows(work.clean_cell)
    model = work.model
    names = tuple(model.classes or work.data.classes or ())
    warnings = [*warnings, *diagnose_clean(clean, classes, names, lambda: better_input(model, work.data, work.skip_broken))]
    on_curve = curve_ids(work.data, suite.curve.samples) if suite.curve else np.zeros(0, dtype=np.int64)
    parts: list[ThreatPart] = []
    for one in plans:
        found = {cell.name: work.rows(cell.name) for cell in one.cells}
        part = summarize_threat(one, clean, found, on_curve, names, warnings, classes)
        part = part.model_copy(update={"attacks": [with_fit(run.folder, attack) for attack in part.attacks]})
        pictures = sorted(path.name for cell in one.main for path in (run.folder / "patches").glob(f"{cell.name}-fold*.png"))
        error = corrupted.get(one.threat.kinds) if isinstance(one.threat, CorruptionThreat) else None
        if isinstance(error, AttackError):
            part, error = part.model_copy(update={"incomplete": [str(error)]}), None
        parts.append(part.model_copy(update={"patches": pictures, "corruption_error": error}))
    settings = run.settings()
    right = len(right_ids(clean))
    summary = Summary(
        robustkit=__version__,
        run=run.folder.name,
        created=settings["created"],
        suite=suite.name,
        seed=work.seed,
        model=ModelPart(
            name=model.name,
            fingerprint=settings["resolved"]["model_fingerprint"],
            parameters=sum(parameter.numel() for parameter in model.net.parameters()),
            classes=classes,
            bounds=model.bounds,
            defenses=[repr(defense) for defense in model.defenses] if isinstance(model, DefendedModel) else [],
        ),
        data=DataPart(
            name=work.data.name,
            fingerprint=settings["resolved"]["data_fingerprint"],
            n=len(clean),
            available=available,
            skipped=skipped,
            class_names=list(names),
            mapping=work.data.mapping,
        ),
        clean=estimate(right, len(clean)),
        errors=int(clean.has_status(Status.ERROR).sum()),
        message=clean.message,
        threats=parts,
        not_tested=list(suite.not_tested),
        repeat={key: settings[key] for key in ("command", "configuration", "versions", "hardware") if key in settings},
        verdict=Verdict(outcome="measured", sentence=""),
        exit_code=0,
    )
    return judge(summary, min_robust)


def count_classes(work: Work) -> int:
    """The model's outputs; as many as are named where there is no image to ask it about."""
    named = len(work.model.classes or work.data.classes or ())
    first = next(iter(work.data.subset(range(min(1, len(work.data)))).batches(work.model.spec, 1, skip_broken=True)), None)
    return named if first is None else int(work.model.logits(first.x.to(work.model.device)).shape[1])


def with_fit(folder: Path, attack: AttackPart) -> AttackPart:
    """The attack's row with what fitting its perturbation cost, if it is a universal one."""
    cost = {"fit_seconds": 0.0, "fit_forwards": 0.0, "fit_backwards": 0.0}
    for path in (folder / "patches").glob(f"{attack.cell}-fold*.safetensors"):
        fitted = load_file(path)
        cost = {name: total + float(fitted[name].sum()) if name in fitted else total for name, total in cost.items()}
    return attack.model_copy(
        update={
            "seconds": round(attack.seconds + cost["fit_seconds"], 3),
            "forwards": attack.forwards + int(cost["fit_forwards"]),
            "backwards": attack.backwards + int(cost["fit_backwards"]),
        }
    )


def write_documents(folder: Path) -> None:
    """The report for people, and the files that CI systems read."""
    from robustkit.benchmarks.junit import write_junit
    from robustkit.benchmarks.report.html import write_report
    from robustkit.benchmarks.sarif import write_sarif

    write_report(folder)
    write_junit(folder)
    write_sarif(folder)


def draw_patches(folder: Path, plans: Sequence[ThreatPlan], model: Model) -> None:
    """A picture of everything a universal attack made."""
    from PIL import Image

    from robustkit.rendering import patch_picture

    for cell in (cell for one in plans for cell in one.main if isinstance(cell.attack, UniversalAttack)):
        for path in sorted((folder / "patches").glob(f"{cell.name}-fold*.safetensors")):
            fitted = load_file(path)
            if "patch" in fitted:
                with atomic(path.with_suffix(".png")) as partial:
                    Image.fromarray(patch_picture(fitted, model.bounds)).save(partial, format="PNG")


def surroundings(model: Model, repeat: dict[str, Any] | None) -> dict[str, Any]:
    """When, where and with what a run was made."""
    packages = ("robustkit", "torch", "torchvision", "numpy", "adversarial-robustness-toolbox", "timm")
    hardware = (
        torch.cuda.get_device_name(model.device) if model.device.type == "cuda" else platform.processor() or platform.machine()
    )
    return {
        **(repeat or {}),
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in packages}},
        "hardware": {"device": str(model.device), "name": hardware, "threads": torch.get_num_threads()},
    }
