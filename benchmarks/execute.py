"""Carry out a plan: shard by shard, cell by cell, skipping what is already on disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from robustkit.benchmarks import records
from robustkit.benchmarks.cell import Cell
from robustkit.benchmarks.contradictions import contradiction, images_contradict, samples_contradict
from robustkit.benchmarks.due import curve_ids, due_for, shards
from robustkit.benchmarks.manifest import planned_cell
from robustkit.benchmarks.progress import Progress
from robustkit.benchmarks.records import Column, Records
from robustkit.benchmarks.shards import Shard, attack_shard, clean_records, is_crash, shard_size, with_targets
from robustkit.contracts.attack import boxed
from robustkit.contracts.samples import Samples
from robustkit.data.base import Data
from robustkit.files import atomic
from robustkit.model import Model
from robustkit.universal import Fitted, UniversalAttack, fold_of

CLEAN = "clean"


@dataclass(frozen=True)
class Work:
    """What every step of a run needs.

    Parameters
    ----------
    folder
        The run folder.
    model, data, seed
        What is audited. `data` is already limited and matched to the model's classes.
    skip_broken
        Leave out files that cannot be read.
    say
        Called with a sentence the user should see.
    """

    folder: Path
    model: Model
    data: Data
    seed: int
    skip_broken: bool
    clean_cell: str
    say: Callable[[str], None]

    def records_at(self, cell: str, shard: str) -> Path:
        return self.folder / "records" / cell / f"{shard}.parquet"

    def read_or_none(self, cell: str, shard: str, ids: Column) -> Records | None:
        """Finished records, or None if they must be computed: also again, where a file is damaged or says that something failed."""
        path = self.records_at(cell, shard)
        if not path.exists():
            return None
        found = records.read(path, ids)
        if found is None:
            self.say(f"{path} is damaged: computing it again")
        return found if found is not None and found.sound else None

    def believed(self, cell: Cell, shard: str, clean: Records, due: Column) -> Records | None:
        """As `read_or_none`, of a cell to which the clean images `due` are due; what contradicts itself or the images kept
        beside it is computed again."""
        found = self.read_or_none(cell.name, shard, clean["sample_id"])
        if found is None or not np.array_equal(found["sample_id"], clean["sample_id"][due]):
            return None
        planned, bounds, kept = planned_cell(cell, self.model.draws), self.model.bounds, self.images_at(cell, shard)
        problem = contradiction(planned, cell.threat, found, clean.where(due))
        problem = problem or images_contradict(planned, cell.threat, bounds, found, kept)
        if problem:
            self.say(f"{self.records_at(cell.name, shard)}: {problem}; computing them again")
        return None if problem else found

    def images_at(self, cell: Cell, shard: str) -> Path:
        return self.folder / "adversarial" / cell.name / f"{shard}.safetensors"

    def rows(self, cell: str) -> Records:
        """All records of a cell that are on disk."""
        found = [records.read(self.records_at(cell, name)) for name, _ in self.shards()]
        parts = [part for part in found if part is not None]
        return Records.join(parts) if parts else records.empty()

    @cached_property
    def shard_size(self) -> int:
        """Samples in a file of records."""
        probe = next(iter(self.data.subset(range(min(1, len(self.data)))).batches(self.model.spec, 1, skip_broken=True)), None)
        return shard_size(self.model, tuple(probe.x.shape[1:]) if probe is not None else (1,))

    def shards(self) -> list[tuple[str, Data]]:
        """The data in parts, by position."""
        parts = shards(len(self.data), self.shard_size)
        return [(name, self.data.subset(range(at.start, at.stop))) for name, at in parts]


def execute(work: Work, cells: Sequence[Cell], curve_samples: int, progress: Progress) -> None:
    """Compute every missing record of some cells, in their order."""
    fitted = {cell.name: fit_folds(work, cell, progress) for cell in cells if isinstance(cell.attack, UniversalAttack)}
    on_curve = curve_ids(work.data.ids, curve_samples)
    progress.start([(cell.name, cell.spec, cell.threat.id, cell.part) for cell in cells], len(work.data))
    for name, part in work.shards():
        earlier = {other for cell in cells for other in cell.before} - {cell.name for cell in cells}
        done = {other: records.read(work.records_at(other, name), part.ids) for other in earlier}
        clean = work.read_or_none(work.clean_cell, name, part.ids)
        if clean is not None and samples_contradict(clean, work.clean_cell, part.ids, part.labels):
            clean = None
        shard = None
        if clean is None:
            samples = read_all(part, work)
            clean = clean_records(work.model, samples, work.seed, name)
            clean = replace(clean, cell=work.clean_cell, skipped=part.skipped)
            if clean.message:
                work.say(f"{work.model.name} crashed on clean images: {clean.message}")
            records.write(work.records_at(work.clean_cell, name), clean)
            shard = Shard(name, samples, clean)
        for cell in cells:
            due = due_for(cell, clean, done, on_curve)
            found = work.believed(cell, name, clean, due)
            cached = found is not None
            if found is None:
                progress.enter(cell.name)
                shard = shard or Shard(name, read_all(part, work), clean)
                images = work.images_at(cell, name) if cell.part == "main" else None
                found = attack_shard(cell, work.model, shard, due, work.seed, fitted.get(cell.name), images)
                found = replace(found, cell=planned_cell(cell, work.model.draws).digest)
                if found.message:
                    work.say(f"{cell.spec} on {cell.threat.id} crashed: {found.message}")
                records.write(work.records_at(cell.name, name), found)
            done[cell.name] = found
            progress.advance(cell.name, len(part), cached=cached)


def read_all(part: Data, work: Work) -> Samples:
    """One shard's images."""
    batches = list(part.batches(work.model.spec, max(len(part), 1), skip_broken=work.skip_broken))
    if not batches:
        empty = torch.empty(0)
        return Samples(torch.empty(0, work.model.spec.channels, 1, 1), empty.long(), empty.long())
    whole = (
        batches[0]
        if len(batches) == 1
        else Samples(*(torch.cat(c) for c in zip(*((b.x, b.y, b.ids) for b in batches), strict=True)))
    )
    return replace(whole, x=boxed(work.model, whole.x))


def fit_folds(work: Work, cell: Cell, progress: Progress) -> list[Fitted] | Exception:
    """What a universal attack makes for each fold from the other, computed once and kept in the run; its error if it crashes."""
    attack = cell.attack
    assert isinstance(attack, UniversalAttack)
    ids = torch.from_numpy(work.data.ids)
    folds = fold_of(ids, work.seed)
    made = []
    for side in (0, 1):
        path = work.folder / "patches" / f"{cell.name}-fold{side}.safetensors"
        with suppress(OSError, SafetensorError):  # not made yet, or damaged: made again
            made.append(load_file(path))
            continue
        positions = (folds != side).nonzero().squeeze(1)
        part = work.data.subset(positions[: attack.fit_images].tolist())
        samples = read_all(part, work)
        progress.note(f"fitting {cell.spec} for {cell.threat.id}, fold {side + 1} of 2, on {len(samples.y)} images")
        samples = samples.to(work.model.device)
        began = time.perf_counter()
        try:
            wanted = with_targets(samples, cell.threat, work.model, work.seed) if len(samples) else samples
            fitted = attack.fit_to(work.model, wanted, cell.threat, work.seed)
        except Exception as error:  # an attack of a stranger may raise anything
            if not is_crash(error):
                raise
            return error
        fitted = {name: tensor.cpu().contiguous() for name, tensor in fitted.items()}
        fitted["fit_seconds"] = torch.tensor(time.perf_counter() - began)
        with atomic(path) as partial:
            save_file(fitted, partial)
        made.append(fitted)
    return made
