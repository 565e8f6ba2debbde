"""Which samples a cell must attack, given the records before it. Used both to compute cells and to detect missing samples."""

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
    """The attributes of a cell that select its samples, common to `Cell` and `PlannedCell`."""

    @property
    def before(self) -> tuple[str, ...]: ...
    @property
    def among(self) -> tuple[str, ...]: ...
    @property
    def within(self) -> float | None: ...
    @property
    def beyond(self) -> float | None: ...
    @property
    def probe(self) -> float: ...
    @property
    def part(self) -> str: ...


def due_for(cell: Planned, clean: Records, done: Mapping[str, Records | None], on_curve: Column) -> Column:
    """A boolean mask of the clean rows that a cell attacks: correctly classified, survivors of the cells in `before`, and
    successfully attacked by one of the cells in `among`, if any."""
    ids = clean["sample_id"]
    due = np.isin(ids, correct_ids(clean)) & ~np.isin(ids, attacked_ids(*(done[name] for name in cell.before)))
    if cell.among:
        due &= np.isin(ids, attacked_ids(*(done[name] for name in cell.among)))
    earlier = [done[name] for name in cell.before]
    if cell.within is not None:
        due &= np.isin(ids, close_ids(earlier, cell.within)) | drawn(ids, cell.probe)
    if cell.beyond is not None:
        due &= ~np.isin(ids, close_ids(earlier, cell.beyond))
    if cell.part == "curve":
        due &= np.isin(ids, on_curve)
    return np.asarray(due)


def correct_ids(clean: Records) -> Column:
    """Ids of the correctly classified samples."""
    return np.asarray(clean["sample_id"][(clean["prediction"] == clean["label"]) & ~clean.has_status(Status.ERROR)])


def attacked_ids(*found: Records | None) -> Column:
    """Ascending ids of the samples with a verified adversarial image in any of the records."""
    hits = [rows["sample_id"][rows["verified"].astype(bool)] for rows in found if rows is not None]
    return np.unique(np.concatenate(hits)) if hits else np.zeros(0, dtype=np.int64)


def close_ids(earlier: Sequence[Records | None], within: float) -> Column:
    """Ids of the samples whose margin some attack reduced to at most the fraction `within` of the clean margin."""
    close = [
        rows["sample_id"][rows["margin"] <= within * rows["clean_margin"]] for rows in earlier if rows is not None and len(rows)
    ]
    return np.unique(np.concatenate(close)) if close else np.zeros(0, dtype=np.int64)


def drawn(ids: Column, share: float) -> Column:
    """Which samples belong to a share drawn by their ids, evenly spread over consecutive ids."""
    golden = 0.6180339887498949  # multiples of the golden ratio are spread most evenly
    return np.asarray((ids * golden) % 1 < share)


def curve_ids(ids: Column, samples: int) -> Column:
    """Evenly spaced samples for the curve."""
    positions = np.linspace(0, max(len(ids) - 1, 0), min(samples, len(ids))).round().astype(int)
    return np.asarray(ids[np.unique(positions)])
