"""The records of a run, read back and checked: that each sample due is there, and that what they say can be and was kept."""

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

#: What stands in the place of records that are not there.
MISSING = "its records are missing or damaged: run the same audit again"
UNBELIEVED = "its records contradict themselves or the images kept"
LOST = (MISSING, UNBELIEVED)


@dataclass
class Evidence:
    """All rows of a run, and what is wrong with them.

    Parameters
    ----------
    ids, clean, rows
        The samples of the run, the records of the clean images, and those of each cell by name. Samples without records, or
        with ones that contradict themselves, have rows that say so.
    skipped
        Files that could not be read and were left out.
    problems
        What contradicts itself, one sentence each: records that were left out.
    """

    ids: Column
    clean: Records
    rows: dict[str, Records]
    skipped: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def gather(folder: Path, manifest: Manifest, threats: Mapping[str, Threat], images: bool) -> Evidence:
    """Read all records of a run and check them; `images` asks for the images kept beside them too.

    What this notices: records that are missing, damaged, or about other samples, labels or cells than those due; values that
    cannot be; verified successes without an image, or with one that is another distance away, outside the threat or not the
    one that was verified. What it cannot notice, for nothing is signed: somebody who writes records, images and run.json anew
    so that they agree.

    Raises
    ------
    EvidenceError
        If the list of samples is missing, or not the one that the run was made on.
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
            clean = records.unanswered(ids[at], labels[at], UNBELIEVED)
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
                    # What was due after records that are lost cannot be known; the successes among it are successes.
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
                    rows = records.unanswered(clean["sample_id"][due], clean["label"][due], UNBELIEVED)
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
    """What each cell was to answer, by name: those of the curve have an eps of their own."""
    own = {cell.name: threat for cell in planned.cells}
    if isinstance(threat, NormThreat):
        own |= {cell.name: threat.with_eps(at.eps) for at in planned.curve for cell in at.cells}
    return own
