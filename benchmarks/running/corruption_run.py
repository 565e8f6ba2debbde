"""The mean corruption error as part of a run: counted shard by shard and stored on disk."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from robustkit.benchmarks.planning.cell import digest_of
from robustkit.benchmarks.running.corruption_error import Counts, count_errors, mean_corruption_error
from robustkit.benchmarks.running.crash import is_crash, sentence_of
from robustkit.benchmarks.running.measurement import measure
from robustkit.benchmarks.running.progress import Progress
from robustkit.benchmarks.running.records import Column
from robustkit.benchmarks.running.work import Pool, Shard, Work
from robustkit.benchmarks.summary import CorruptionErrorPart
from robustkit.corruptions import SEVERITIES
from robustkit.errors import AttackError
from robustkit.files import write_text


@dataclass(frozen=True)
class CorruptionSweep:
    """Counts of misclassified images under some corruptions at all severities, as a measurement.

    A shard on which the model crashes is skipped; the counts of the others are kept.
    """

    work: Work
    kinds: Sequence[str]

    @property
    def name(self) -> str:
        return name_of(self.work.clean_cell, self.kinds)

    def due(self, shard: Shard) -> Column:
        return shard.data.ids

    def is_done(self, shard: Shard, due: Column) -> bool:
        return _read(counts_at(self.work.folder, self.name, shard.name), self.kinds) is not None

    def compute(self, pool: Pool) -> None:
        work = self.work
        for part in pool.parts:
            samples, counts = pool.of(part), Counts()
            try:
                if len(samples):
                    counts = count_errors(work.model, samples, self.kinds, SEVERITIES, work.seed)
            except Exception as error:  # a third-party model may raise anything
                if not is_crash(error):
                    raise
                work.say(f"{work.model.name} crashed on corrupted images: {sentence_of(error)}")
                continue
            write_text(counts_at(work.folder, self.name, part.shard), _text(counts, self.kinds))


def run_corruptions(work: Work, kinds: Sequence[str], progress: Progress) -> None:
    """Count the errors under some corruptions at all severities, except for shards that are on disk."""
    sweep = CorruptionSweep(work, kinds)
    progress.start([(sweep.name, "mean corruption error", f"{len(kinds)} x {len(SEVERITIES)}", "main")], len(work.data))
    measure(sweep, work, progress)


def read_corruptions(folder: Path, clean_cell: str, kinds: Sequence[str], parts: Sequence[str]) -> CorruptionErrorPart | None:
    """The mean corruption error from the files of `run_corruptions` in a run folder; None without images.

    Parameters
    ----------
    clean_cell, parts
        The cell name of the clean images' records, and the names of the shards.

    Raises
    ------
    AttackError
        If the counts of some samples are missing or damaged.
    """
    name, total = name_of(clean_cell, kinds), Counts()
    for part in parts:
        counts = _read(counts_at(folder, name, part), kinds)
        if counts is None:
            raise AttackError(
                "the mean corruption error is missing because the model crashed on corrupted images or counts were lost"
            )
        total += counts
    return mean_corruption_error(total.wrong, total.n, total.clean) if total.n else None


def name_of(clean_cell: str, kinds: Sequence[str]) -> str:
    """The name of the files of counts."""
    return f"corruption-error-{digest_of([clean_cell, list(kinds)])[:12]}"


def counts_at(folder: Path, name: str, shard: str) -> Path:
    """The file of a shard's counts."""
    return folder / "corruption" / f"{name}-{shard}.json"


def _text(counts: Counts, kinds: Sequence[str]) -> str:
    wrong = {kind: [counts.wrong.get((kind, severity), 0) for severity in SEVERITIES] for kind in kinds}
    return json.dumps({"n": counts.n, "clean": counts.clean, "wrong": wrong})


def _read(path: Path, kinds: Sequence[str]) -> Counts | None:
    """The counts in a file; None if it is missing or damaged."""
    try:
        found = json.loads(path.read_bytes())
        wrong = {
            (kind, severity): int(count)
            for kind in kinds
            for severity, count in zip(SEVERITIES, found["wrong"][kind], strict=True)
        }
        counts = Counts(int(found["n"]), int(found["clean"]), wrong)
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
    return counts if all(0 <= count <= counts.n < 2**53 for count in (counts.clean, *wrong.values())) else None
