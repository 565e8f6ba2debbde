"""An audit in one call: ``audit(model, data, threats=["linf:8/255"], out="runs/mine")``."""

from __future__ import annotations

import datetime
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from robustkit.benchmarks.judging.clean import diagnose_clean
from robustkit.benchmarks.judging.evidence import gather
from robustkit.benchmarks.judging.flags import diagnose
from robustkit.benchmarks.planning.cell import FORMAT, digest_of
from robustkit.benchmarks.planning.check import check_model
from robustkit.benchmarks.planning.given import check_count, check_model_given, check_share, read_attacks, read_threats
from robustkit.benchmarks.planning.manifest import planned_cell, planned_threat
from robustkit.benchmarks.planning.plan import ThreatPlan, plan
from robustkit.benchmarks.planning.suite import Suite, ad_hoc_suite, load_suite
from robustkit.benchmarks.running import records
from robustkit.benchmarks.running.cause import better_input
from robustkit.benchmarks.running.corruption_run import run_corruptions
from robustkit.benchmarks.running.execute import ask_clean, execute
from robustkit.benchmarks.running.progress import Progress, Silent
from robustkit.benchmarks.running.run import Run, run_name
from robustkit.benchmarks.running.work import CLEAN, Work
from robustkit.benchmarks.summary import Cause, DataPart, Flag, ModelPart
from robustkit.benchmarks.verdict import conclude, estimates
from robustkit.contracts.model import Model
from robustkit.data.load import as_data
from robustkit.defended_model import DefendedModel
from robustkit.files import atomic
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
    """Audit a model: attack every sample under every threat, and write records, summary and report to a folder.

    Calling it again with the same arguments resumes the run; results on disk are not recomputed.

    Parameters
    ----------
    model
        A `Model`, with its input transforms if any, or the name of one.
    data
        A `Data`, a name, a pair of tensors ``(x, y)``, or a torch Dataset or DataLoader.
    threats
        The threat models, as `Threat` or text.
    suite
        The attacks: a built-in suite such as ``quick``, ``standard`` or ``autoattack``, or a TOML file.
    attacks
        Attacks to run instead of a suite, as ``name:key=value``.
    out
        The run folder; by default one under ``runs/`` named after the configuration.
    limit
        The maximum number of samples, drawn evenly from the classes.
    seed
        Seeds all random numbers.
    min_robust
        The robust accuracy in [0, 1] required under every threat.
    surrogates
        Models, or their names, on which transfer attacks are computed.
    eot
        Draws of a randomised model for each query (`Model.with_draws`), unless the model itself sets more: clean accuracy,
        every success and its verification are a majority vote over that many fresh draws.
    skip_broken
        Skip images that cannot be read, and list them in the summary.
    repeat
        Settings that the report shows for reproducing the run, such as the command.
    progress
        Where progress is shown; nowhere by default.

    Returns
    -------
    Run
        The run folder, with `summary` and `exit_code`.

    Raises
    ------
    RobustkitError
        If an argument is invalid, or the folder contains a run with another configuration.
    """
    check_model_given(model)
    if min_robust is not None:
        check_share("min_robust", min_robust)
    if limit is not None:
        check_count("limit", limit)
    check_count("eot", eot)
    check_seed(seed)
    shown = progress or Silent()
    named, wanted = read_attacks(attacks), read_threats(threats)
    chosen = ad_hoc_suite(named) if named else load_suite(suite)
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
        "samples": records.samples_digest(samples.ids, samples.labels),
    }
    parts = ("model_fingerprint", "search", "data_fingerprint", "samples", "seed", "skip_broken", "eot")
    context = digest_of([resolved[key] for key in parts])
    span = subject.bounds[1] - subject.bounds[0]
    defended = isinstance(subject, DefendedModel)
    drawn, device = subject.draws, subject.device
    knowledge = subject.knowledge
    plans = plan(
        chosen,
        wanted,
        context,
        span=span,
        defended=defended,
        surrogates=helpers,
        draws=drawn,
        device=device,
        knowledge=knowledge,
    )
    run = Run(Path(out) if out is not None else Path("runs") / run_name([subject.name, resolved]))
    warnings = check_model(subject, samples, wanted, skip_broken) if len(samples) else []
    replaced = [one for one in plans if one.instead is not None]
    warnings += [without_gradients(subject, chosen, one) for one in replaced if chosen.supports(one.threat)]
    others = [another_suite(chosen, one) for one in replaced if not chosen.supports(one.threat)]
    for note in [*samples.notes, *others, *(flag.sentence for flag in warnings if flag.id == "black-box")]:
        shown.note(note)
    run.open({"resolved": resolved, "min_robust": min_robust, **surroundings(subject, repeat)})
    records.write_samples(run.folder / "samples.parquet", samples.ids, samples.labels)
    work = Work(run.folder, subject, samples, seed, skip_broken, f"{CLEAN}-{context[:12]}", shown.note)
    on_curve = chosen.curve.samples if chosen.curve else 0
    try:
        run.update(described(work, resolved, plans, chosen, warnings, len(whole)))
        ask_clean(work, shown)
        execute(work, [cell for one in plans for cell in one.main], on_curve, shown)
        plans = escalate(work, plans, warnings, shown)
        execute(work, [cell for one in plans for cell in one.beside], on_curve, shown)
        run.update(described(work, resolved, plans, chosen, warnings, len(whole)))
        run.update({"cause": cause_of(work)})
        corruptions(work, plans, chosen, shown)
    except BaseException as error:
        run.close("interrupted" if isinstance(error, KeyboardInterrupt) else "failed")
        raise
    finally:
        shown.stop()
    draw_patches(run.folder, plans, subject)
    run.close("complete")
    manifest = run.manifest()
    # Stored images need no second check: this run verified them when it read or wrote them.
    evidence = gather(run.folder, manifest, {threat.id: threat for threat in wanted}, images=False)
    run.write_json("summary.json", estimates(run.folder, manifest, evidence).model_dump(mode="json"))
    run.__dict__["report"] = conclude(run, manifest, evidence)
    return run


def described(
    work: Work,
    resolved: dict[str, Any],
    plans: Sequence[ThreatPlan],
    suite: Suite,
    warnings: Sequence[Flag],
    available: int,
) -> dict[str, Any]:
    """The entries of run.json that let the records be judged without the model."""
    model, data = work.model, work.data
    model_part = ModelPart(
        name=model.name,
        fingerprint=resolved["model_fingerprint"],
        parameters=model.parameters,
        classes=work.classes,
        bounds=model.bounds,
        defenses=[repr(defense) for defense in model.defenses] if isinstance(model, DefendedModel) else [],
    )
    names = list(model.classes or data.classes or ())
    data_part = DataPart(
        name=data.name,
        fingerprint=resolved["data_fingerprint"],
        n=len(data),
        available=available,
        class_names=names,
        mapping=data.mapping,
    )
    return {
        "shard": work.shard_size,
        "clean": work.clean_cell,
        "curve_samples": suite.curve.samples if suite.curve else 0,
        "threats": [
            planned_threat(one, model.draws, work.classes, (one.instead or suite).corruption_error).model_dump(mode="json")
            for one in plans
        ],
        "flags": [flag.model_dump(mode="json") for flag in warnings],
        "model": model_part.model_dump(mode="json"),
        "data": data_part.model_dump(mode="json"),
        "suite": suite.name,
        "seed": work.seed,
        "not_tested": list(dict.fromkeys(line for one in plans for line in (one.instead or suite).not_tested)),
        "notes": list(data.notes),
    }


def without_gradients(model: Model, suite: Suite, planned: ThreatPlan) -> Flag:
    """The note that another suite's stages run because there are no gradients."""
    assert planned.instead is not None
    by_model = planned.threat.knowledge == "white-box"
    source = f"{model.name} provides" if by_model else f"threat {planned.threat.id} grants"
    knowledge = model.knowledge if by_model else planned.threat.knowledge
    return Flag(
        id="black-box",
        weakens=False,
        sentence=f"{source} no gradients ({knowledge} knowledge only): the stages of {planned.instead.name!r} run instead of suite "
        f"{suite.name!r}, and a white-box attacker may succeed more often.",
    )


def another_suite(suite: Suite, planned: ThreatPlan) -> str:
    """The note that another suite's stages run because the chosen one has none for a kind of threat."""
    assert planned.instead is not None
    return f"suite {suite.name!r} has no attacks for {planned.threat.id}: the stages of {planned.instead.name!r} run"


def cause_of(work: Work) -> Cause | None:
    """The likely cause of a suspiciously low clean accuracy, if other preprocessing reveals one."""
    found: list[Cause | None] = []

    def probe() -> Cause | None:
        found.append(better_input(work.model, work.data, work.skip_broken))
        return found[0]

    diagnose_clean(work.rows(work.clean_cell), work.classes, (), probe)
    return found[0] if found else None


def escalate(work: Work, plans: Sequence[ThreatPlan], warnings: Sequence[Flag], progress: Progress) -> list[ThreatPlan]:
    """Run the remedies for the signs of each threat; return the plans with the cells that ran."""
    doubts = [flag for flag in warnings if flag.weakens]
    judged = []
    for one in plans:
        if one.escalation:
            rows = [(planned_cell(cell, work.model.draws), work.rows(cell.name)) for cell in one.main]
            signs = [flag.id for flag in (*doubts, *diagnose(rows, len(work.data)))]
            one = remedied(work, one.escalated(signs), progress) if signs else one
        judged.append(one)
    return judged


def remedied(work: Work, one: ThreatPlan, progress: Progress) -> ThreatPlan:
    """Run the escalation of a threat, each stage band by band until it attacks samples without success."""
    if one.escalation:
        progress.note(f"{', '.join(one.reasons)} under {one.threat.id}: escalating")
    for bands in one.escalation:
        for cell in bands:
            one = one.extended(cell)
            execute(work, one.main[-1:], 0, progress)
            rows = work.rows(one.main[-1].name)
            if len(rows) and not rows["verified"].any():
                break
    return one


def corruptions(work: Work, plans: Sequence[ThreatPlan], suite: Suite, progress: Progress) -> None:
    """Count the errors under the corruptions of each corruption threat, if the suite asks for it."""
    threats = [one.threat for one in plans if (one.instead or suite).corruption_error]
    for kinds in dict.fromkeys(threat.kinds for threat in threats if isinstance(threat, CorruptionThreat)):
        run_corruptions(work, kinds, progress)


def draw_patches(folder: Path, plans: Sequence[ThreatPlan], model: Model) -> None:
    """Draw the perturbations that the universal attacks fitted."""
    from PIL import Image

    from robustkit.rendering import patch_picture

    for cell in (cell for one in plans for cell in one.main if isinstance(cell.attack, UniversalAttack)):
        for path in sorted((folder / "patches").glob(f"{cell.name}-fold*.safetensors")):
            fitted = load_file(path)
            if "patch" in fitted:
                with atomic(path.with_suffix(".png")) as partial:
                    Image.fromarray(patch_picture(fitted, model.bounds)).save(partial, format="PNG")


def surroundings(model: Model, repeat: dict[str, Any] | None) -> dict[str, Any]:
    """The time, package versions and hardware of a run."""
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
