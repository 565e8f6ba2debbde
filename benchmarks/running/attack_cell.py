"""An attack on a threat, as a measurement of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np

from robustkit.benchmarks.planning.cell import Cell
from robustkit.benchmarks.planning.manifest import planned_cell
from robustkit.benchmarks.running import records
from robustkit.benchmarks.running.contradictions import contradiction, images_contradict
from robustkit.benchmarks.running.due import due_for
from robustkit.benchmarks.running.job import Job, carry_out
from robustkit.benchmarks.running.kept import save_kept
from robustkit.benchmarks.running.known import known_images
from robustkit.benchmarks.running.outcome import Outcome
from robustkit.benchmarks.running.records import Column, Records
from robustkit.benchmarks.running.work import Pool, Shard, Work
from robustkit.contracts.rows import join
from robustkit.shrinking import Known, ShrinkingAttack
from robustkit.universal import Fitted


@dataclass(frozen=True)
class AttackCell:
    """A cell as a measurement of the samples that it attacks.

    Parameters
    ----------
    cell, work
        The cell and its run.
    on_curve
        Ids of the samples of the curve.
    fitted
        The perturbation that a universal attack fitted for each fold, or the error of its fit.
    """

    cell: Cell
    work: Work
    on_curve: Column
    fitted: Sequence[Fitted] | Exception | None = None

    @property
    def name(self) -> str:
        return self.cell.name

    def due(self, shard: Shard) -> Column:
        clean = self.work.finished(self.work.clean_cell, shard.name)
        done = {name: self.work.finished(name, shard.name) for name in (*self.cell.before, *self.cell.among)}
        return np.asarray(clean["sample_id"][due_for(self.cell, clean, done, self.on_curve)])

    def is_done(self, shard: Shard, due: Column) -> bool:
        """Whether the shard's file covers these samples and is consistent with itself and the stored images."""
        work = self.work
        found = work.read_or_none(self.name, shard.name, shard.data.ids)
        if found is None or not np.array_equal(found["sample_id"], due):
            return False
        planned, kept = planned_cell(self.cell, work.model.draws), work.images_at(self.name, shard.name)
        problem = contradiction(planned, self.cell.threat, found, self._clean_of(shard.name, due))
        problem = problem or images_contradict(planned, self.cell.threat, work.model.bounds, found, kept)
        if problem:
            work.say(f"{work.records_at(self.name, shard.name)}: {problem}; recomputing")
            return False
        return True

    def compute(self, pool: Pool) -> None:
        clean = tuple(self._clean_of(part.shard, pool.of(part).ids.numpy()) for part in pool.parts)
        job = Job(self.cell, pool, clean, self.work.classes, self.work.seed, self.fitted, self._known(pool))
        for part, outcome in zip(pool.parts, carry_out(job, self.work.model), strict=True):
            self._keep(part.shard, outcome)

    def _keep(self, shard: str, outcome: Outcome) -> None:
        """Write the images first, then the records that refer to them."""
        work, found = self.work, outcome.records
        if found.message:
            work.say(f"{self.cell.spec} on {self.cell.threat.id} crashed: {found.message}")
        digest = "" if outcome.images is None else save_kept(work.images_at(self.name, shard), outcome.images)
        found = replace(found, cell=planned_cell(self.cell, work.model.draws).digest, images=digest)
        records.write(work.records_at(self.name, shard), found)

    def _known(self, pool: Pool) -> Known | None:
        """The images that a shrinking attack starts from."""
        if not isinstance(self.cell.attack, ShrinkingAttack) or not self.cell.among:
            return None
        parts = [(part.shard, pool.of(part).ids.numpy()) for part in pool.parts]
        found = [known_images(self.work, self.cell.among, shard, ids) for shard, ids in parts if len(ids)]
        return reduce(join, found) if found else None

    def _clean_of(self, shard: str, ids: Column) -> Records:
        clean = self.work.finished(self.work.clean_cell, shard)
        return clean.where(np.isin(clean["sample_id"], ids))
