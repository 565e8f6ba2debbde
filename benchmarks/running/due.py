"""Which samples are due to a cell, from the records before it: to compute them, and to see that none is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np

from robustkit.benchmarks.running.records import Column, Records
from robustkit.contracts.result import Status


def shards(n: int, size: int) -> Iterator[tuple[str, slice]]:
    """The name and the positions of each part of `n` samples."""
    for start in range(0, n, size):
        end = min(start + size, n)
        yield f"{start:08d}-{end:08d}", slice(start, end)


class Planned(Protocol):
    """What of a cell decides which samples it gets: `Cell` and `PlannedCell` both do."""

    @property
    def before(self) -> tuple[str, ...]: ...
    @property
    def among(self) -> tuple[str, ...]: ...
    @property
    def within(self) -> float | None: ...
    @property
    def part(self) -> str: ...


def due_for(cell: Planned, clean: Records, done: Mapping[str, Records | None], on_curve: Column) -> Column:
    """Which rows of the clean records a cell attacks, as bools: correctly classified, survivors of the cells before it,
    and successfully attacked by one of those that it is to follow."""
    ids = clean["sample_id"]
    due = np.isin(ids, right_ids(clean)) & ~np.isin(ids, attacked_ids(*(done[name] for name in cell.before)))
    if cell.among:
        due &= np.isin(ids, attacked_ids(*(done[name] for name in cell.among)))
    if cell.within is not None:
        due &= np.isin(ids, close_ids([done[name] for name in cell.before], cell.within))
    if cell.part == "curve":
        due &= np.isin(ids, on_curve)
    return np.asarray(due)


def right_ids(clean: Records) -> Column:
    """Ids of the correctly classified samples."""
    return np.asarray(clean["sample_id"][(clean["prediction"] == clean["label"]) & ~clean.has_status(Status.ERROR)])


def attacked_ids(*found: Records | None) -> Column:
    """Ids of the samples with a verified adversarial image in any of some records, ascending."""
    hits = [rows["sample_id"][rows["verified"].astype(bool)] for rows in found if rows is not None]
    return np.unique(np.concatenate(hits)) if hits else np.zeros(0, dtype=np.int64)


def close_ids(earlier: Sequence[Records | None], within: float) -> Column:
    """The samples whose best image so far left the label at most this share of its lead in the clean image."""
    close = [
        rows["sample_id"][rows["margin"] <= within * rows["clean_margin"]] for rows in earlier if rows is not None and len(rows)
    ]
    return np.unique(np.concatenate(close)) if close else np.zeros(0, dtype=np.int64)


def curve_ids(ids: Column, samples: int) -> Column:
    """Evenly spaced samples for the curve."""
    positions = np.linspace(0, max(len(ids) - 1, 0), min(samples, len(ids))).round().astype(int)
    return np.asarray(ids[np.unique(positions)])
