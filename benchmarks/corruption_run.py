"""The mean corruption error as part of a run: counted shard by shard, and kept on disk."""

from __future__ import annotations

import json
from collections.abc import Sequence

from robustkit.benchmarks.cell import digest_of
from robustkit.benchmarks.corruption_error import Counts, count_errors, mean_corruption_error
from robustkit.benchmarks.execute import Work, read_all
from robustkit.benchmarks.progress import Progress
from robustkit.benchmarks.shards import is_crash, sentence_of
from robustkit.benchmarks.summary import CorruptionErrorPart
from robustkit.corruptions import SEVERITIES
from robustkit.data.base import Data
from robustkit.errors import AttackError
from robustkit.files import write_text


def run_corruptions(work: Work, kinds: Sequence[str], progress: Progress) -> CorruptionErrorPart | None:
    """The errors under some corruptions at all severities; what is on disk is not counted again. None without an image.

    Raises
    ------
    AttackError
        If the model fails on some corrupted images; what was counted of the others is kept.
    """
    name = f"corruption-error-{digest_of([work.clean_cell, list(kinds)])[:12]}"
    progress.start([(name, "mean corruption error", f"{len(kinds)} x {len(SEVERITIES)}", "main")], len(work.data))
    total, crash = Counts(), ""
    for shard, part in work.shards():
        path = work.folder / "corruption" / f"{name}-{shard}.json"
        counts = None if not path.exists() else _read(path.read_text(errors="replace"), kinds)
        cached = counts is not None
        if counts is None:
            progress.enter(name)
            try:
                counts = _count(work, part, kinds)
            except Exception as error:  # a model of a stranger may raise anything
                if not is_crash(error):
                    raise
                crash = crash or sentence_of(error)
                continue
            write_text(path, _text(counts, kinds))
        total += counts
        progress.advance(name, len(part), cached=cached)
    if crash:
        raise AttackError(f"the mean corruption error has no value: {work.model.name} crashed on corrupted images ({crash})")
    return mean_corruption_error(total.wrong, total.n, total.clean) if total.n else None


def _count(work: Work, part: Data, kinds: Sequence[str]) -> Counts:
    samples = read_all(part, work)
    return count_errors(work.model, samples, kinds, SEVERITIES, work.seed) if len(samples.y) else Counts()


def _text(counts: Counts, kinds: Sequence[str]) -> str:
    wrong = {kind: [counts.wrong.get((kind, severity), 0) for severity in SEVERITIES] for kind in kinds}
    return json.dumps({"n": counts.n, "clean": counts.clean, "wrong": wrong})


def _read(text: str, kinds: Sequence[str]) -> Counts | None:
    """What `_text` wrote; None if it is damaged."""
    try:
        found = json.loads(text)
        wrong = {
            (kind, severity): int(count)
            for kind in kinds
            for severity, count in zip(SEVERITIES, found["wrong"][kind], strict=True)
        }
        return Counts(int(found["n"]), int(found["clean"]), wrong)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
