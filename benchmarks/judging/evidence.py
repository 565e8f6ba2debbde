"""The records of a run, read back and checked for missing samples, inconsistent values and missing images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from robustkit.benchmarks.planning.manifest import Manifest, PlannedCell, PlannedThreat
from robustkit.benchmarks.running import records
from robustkit.benchmarks.running.contradictions import contradiction, images_contradict, samples_contradict
from robustkit.benchmarks.running.due import curve_ids, due_for, shards
from robustkit.benchmarks.running.records import Column, Records
from robustkit.threats import NormThreat, Threat

#: Messages of the placeholder rows for records that cannot be used.
MISSING = "its records are missing or damaged: run the same audit again"
INCONSISTENT = "its records are inconsistent, or do not match the stored images"
LOST = (MISSING, INCONSISTENT)


@dataclass
class Evidence:
    """All rows of a run, and the problems found in them.

    Parameters
    ----------
    ids, clean, rows
        The samples of the run, the records of the clean images, and those of each cell by name. Missing or inconsistent
        records are replaced by error rows.
    skipped
        Files that could not be read and were skipped.
    problems
        The inconsistencies, one sentence each.
    """

    ids: Column
    clean: Records
    rows: dict[str, Records]
    skipped: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def gather(folder: Path, manifest: Manifest, threats: Mapping[str, Threat], images: bool) -> Evidence:
    """Read and check all records of a run, and with `images` the images stored beside them.

    This detects records that are missing, damaged, or belong to other samples, labels or cells than planned; impossible
    values; and verified successes whose image is missing, at another distance, outside the threat, or not the one that was
    verified. It cannot detect a consistent forgery of records, images and run.json, because nothing is signed.

    Raises
    ------
    EvidenceError
        If the list of samples is missing or does not belong to the run.
    """
    ids, labels = records.read_samples(folder / "samples.parquet", str(manifest.resolved.get("samples")))
    on_curve = curve_ids(ids, manifest.curve_samples)
    parts: dict[str, list[Records]] = {manifest.clean: []}
    found = Evidence(ids, records.empty(), {})
    for name, at in shards(len(ids), manifest.shard):
        clean = records.read(folder / "records" / manifest.clean / f"{name}.parquet", ids[at])
        if clean is None:
            clean = records.unanswered(ids[at], labels[at], MISSING)
        elif problem := samples_contradict(clean, manifest.clean, ids[at], labels[at], manifest.model.classes):
            found.problems.append(f"the records of the clean images {name}: {problem}")
            clean = records.unanswered(ids[at], labels[at], INCONSISTENT)
        lost = {manifest.clean} if clean.message in LOST else set[str]()
        parts[manifest.clean].append(clean)
        for planned in manifest.threats:
            done: dict[str, Records | None] = {}
            own = threats_of(planned, threats[planned.id])
            for cell in planned.cells:
                due = due_for(cell, clean, done, on_curve)
                rows = records.read(folder / "records" / cell.name / f"{name}.parquet", ids[at])
                kept = folder / "adversarial" / cell.name / f"{name}.safetensors"
                if rows is not None and lost.intersection((*cell.before, *cell.among)):
                    # Which samples survived lost records is unknown; verified successes among the recorded ones still count.
                    due &= np.isin(clean["sample_id"], rows["sample_id"])
                if manifest.clean in lost:
                    rows = records.empty()
                elif rows is None:
                    rows = records.unanswered(clean["sample_id"][due], clean["label"][due], MISSING if due.any() else "")
                    lost.add(cell.name)
                elif problem := (
                    contradiction(cell, own[cell.name], rows, clean.where(due))
                    or (images_contradict(cell, own[cell.name], manifest.model.bounds, rows, kept) if images else None)
                ):
                    found.problems.append(f"the records of {cell.spec} on {planned.id}, samples {name}: {problem}")
                    rows = records.unanswered(clean["sample_id"][due], clean["label"][due], INCONSISTENT)
                    lost.add(cell.name)
                done[cell.name] = rows
                parts.setdefault(cell.name, []).append(rows)
    joined = {name: Records.join(each) if each else records.empty() for name, each in parts.items()}
    found.clean = joined.pop(manifest.clean)
    found.skipped = found.clean.skipped
    found.rows = {cell.name: joined.get(cell.name, records.empty()) for cell in cells_of(manifest)}
    return found


def cells_of(manifest: Manifest) -> list[PlannedCell]:
    """Every cell of a run."""
    return [cell for threat in manifest.threats for cell in threat.cells]


def threats_of(planned: PlannedThreat, threat: Threat) -> dict[str, Threat]:
    """The threat of each cell by name; those of the curve have their own eps."""
    own = {cell.name: threat for cell in planned.cells}
    if isinstance(threat, NormThreat):
        own |= {cell.name: threat.with_eps(at.eps) for at in planned.curve for cell in at.cells}
    return own
