"""From a run folder to its verdict: recompute the numbers from the records, judge the gates, write the documents."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from safetensors import SafetensorError, safe_open

from robustkit import __version__
from robustkit.benchmarks.judging.clean import diagnose_clean
from robustkit.benchmarks.judging.evidence import Evidence, gather
from robustkit.benchmarks.judging.flags import diagnose
from robustkit.benchmarks.judging.gates import judge
from robustkit.benchmarks.judging.summarize import summarize_threat
from robustkit.benchmarks.planning.manifest import Manifest
from robustkit.benchmarks.running.due import correct_ids, curve_ids, shards
from robustkit.benchmarks.running.run import Run
from robustkit.benchmarks.statistics import estimate
from robustkit.benchmarks.summary import AttackPart, Estimates, Flag, Summary, ThreatPart
from robustkit.contracts.result import Status
from robustkit.errors import AttackError
from robustkit.threats import Threat


def judge_run(folder: Path, min_robust: float | None, say: Callable[[str], None]) -> Summary:
    """Recompute the verdict on a finished run from its records and stored images, and write it.

    ``summary.json`` is only compared with the result, never changed. See `gather` for what is and is not detected.

    Parameters
    ----------
    folder
        The run folder.
    min_robust
        The robust accuracy in [0, 1] required under every threat; None for the requirement last set.
    say
        Called with each message for the user.

    Raises
    ------
    RobustkitError
        If the folder contains no finished run, or one that cannot be read.
    """
    run = Run(folder)
    run.forget()
    manifest = run.manifest()
    if min_robust is not None:
        run.update({"min_robust": min_robust})
        manifest = manifest.model_copy(update={"min_robust": min_robust})
    threats = {planned.id: Threat.parse(planned.id) for planned in manifest.threats}
    summary = conclude(run, manifest, gather(folder, manifest, threats, images=True))
    kept = run.read_json("summary.json")
    made = summary.model_dump(mode="json", include=set(Estimates.model_fields))
    if {**kept, "run": made["run"]} != made:  # a copied or renamed folder is the same run
        say("summary.json does not match the records: the verdict uses the records")
    return summary


def conclude(run: Run, manifest: Manifest, evidence: Evidence) -> Summary:
    """The summary with its verdict, from the evidence; writes ``verdict.json`` and the documents."""
    summary = judge(estimates(run.folder, manifest, evidence), manifest.min_robust, problems(manifest, evidence))
    run.write_json("verdict.json", summary.model_dump(mode="json", include={"gates", "verdict", "exit_code"}))
    write_documents(run.folder, summary)
    return summary


def problems(manifest: Manifest, evidence: Evidence) -> list[str]:
    """The inconsistencies in a run's records, one sentence each."""
    found = list(evidence.problems)
    for planned in manifest.threats:
        if planned.escalates and not any(evidence.rows[cell.name].message for cell in planned.main):
            first = [(cell, evidence.rows[cell.name]) for cell in planned.main if not cell.when]
            doubts = [flag for flag in manifest.flags if flag.weakens]
            signs = [flag.id for flag in (*doubts, *diagnose(first, len(evidence.clean)))]
            if signs != list(planned.reasons):
                found.append(f"the escalation of {planned.id} does not match its records")
    return found


def estimates(folder: Path, manifest: Manifest, evidence: Evidence) -> Estimates:
    """All numbers of a run, from its records."""
    clean = evidence.clean
    names = tuple(manifest.data.class_names)
    on_curve = curve_ids(evidence.ids, manifest.curve_samples)
    notes = [Flag(id="data", weakens=False, sentence=note) for note in manifest.notes]
    flags = [*manifest.flags, *notes, *diagnose_clean(clean, manifest.model.classes, names, lambda: manifest.cause)]
    parts: list[ThreatPart] = []
    for planned in manifest.threats:
        rows = {cell.name: evidence.rows[cell.name] for cell in planned.cells}
        part = summarize_threat(planned, clean, rows, on_curve, names, flags)
        found: dict[str, object] = {"attacks": [with_fit(folder, attack) for attack in part.attacks]}
        patches = folder / "patches"
        found["patches"] = sorted(path.name for cell in planned.main for path in patches.glob(f"{cell.name}-fold*.png"))
        if planned.kinds:
            from robustkit.benchmarks.running.corruption_run import read_corruptions  # imports the image decoders

            files = [name for name, _ in shards(len(evidence.ids), manifest.shard)]
            try:
                found["corruption_error"] = read_corruptions(folder, manifest.clean, planned.kinds, files)
            except AttackError as error:
                found["incomplete"] = [str(error)]
        parts.append(part.model_copy(update=found))
    return Estimates(
        robustkit=__version__,
        run=folder.resolve().name,
        created=manifest.created,
        suite=manifest.suite,
        seed=manifest.seed,
        model=manifest.model,
        data=manifest.data.model_copy(update={"n": len(clean), "skipped": evidence.skipped}),
        clean=estimate(len(correct_ids(clean)), len(clean)),
        errors=int(clean.has_status(Status.ERROR).sum()),
        message=clean.message,
        threats=parts,
        not_tested=list(manifest.not_tested),
        repeat=manifest.model_dump(include={"command", "configuration", "versions", "hardware"}, exclude_defaults=True),
    )


def with_fit(folder: Path, attack: AttackPart) -> AttackPart:
    """The attack's row including the cost of fitting its perturbation, if the attack is universal."""
    cost = {"fit_seconds": 0.0, "fit_forwards": 0.0, "fit_backwards": 0.0}
    for path in sorted((folder / "patches").glob(f"{attack.cell}-fold*.safetensors")):
        try:
            with safe_open(path, framework="pt") as fitted:
                cost |= {name: cost[name] + float(fitted.get_tensor(name).sum()) for name in cost.keys() & fitted.keys()}
        except (OSError, SafetensorError, RuntimeError):  # a damaged file loses its costs, not the verdict
            continue
    return attack.model_copy(
        update={
            "seconds": round(attack.seconds + cost["fit_seconds"], 3),
            "forwards": attack.forwards + int(cost["fit_forwards"]),
            "backwards": attack.backwards + int(cost["fit_backwards"]),
        }
    )


def write_documents(folder: Path, summary: Summary) -> None:
    """Write the HTML report and the JUnit and SARIF files."""
    from robustkit.benchmarks.report.html import write_report
    from robustkit.benchmarks.report.junit import write_junit
    from robustkit.benchmarks.report.sarif import write_sarif

    write_report(folder, summary)
    write_junit(folder, summary)
    write_sarif(folder, summary)
