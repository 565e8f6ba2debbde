"""A suite as a contender: run like an audit, with records on disk, but without a report."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from robustkit.benchmarks.audit import escalate
from robustkit.benchmarks.bench.contender import Answer, Contender, Ground
from robustkit.benchmarks.judging.flags import diagnose
from robustkit.benchmarks.planning.check import check_model
from robustkit.benchmarks.planning.manifest import planned_cell
from robustkit.benchmarks.planning.plan import plan
from robustkit.benchmarks.planning.suite import Suite, load_suite
from robustkit.benchmarks.running.execute import ask_clean, execute
from robustkit.benchmarks.running.progress import Silent
from robustkit.benchmarks.running.records import Column, Records
from robustkit.benchmarks.running.work import CLEAN, Work
from robustkit.benchmarks.summary import Flag
from robustkit.contracts.result import Status
from robustkit.defended_model import DefendedModel
from robustkit.errors import AttackError

PREFIX = "suite:"


def protocol_contender(ground: Ground, name: str) -> Contender:
    """A suite given as ``suite:NAME``, with its escalation but without the curve, which is not part of the verdict.

    Raises
    ------
    UsageError
        If there is no such suite.
    """
    suite = load_suite(name.removeprefix(PREFIX)).model_copy(update={"curve": None})
    suite.check(ground.threat)
    return Contender(name, "protocol", lambda: partial(verdict, ground.data.ids, name, run_suite(ground, suite)))


class SuiteRun(NamedTuple):
    """The rows of the clean images and of every cell of the verdict, the flags, and the signs that were answered by remedies."""

    clean: Records
    cells: list[Records]
    flags: list[Flag]
    reasons: tuple[str, ...]


def run_suite(ground: Ground, suite: Suite) -> SuiteRun:
    """A suite's verdict, without its curve."""
    model, data = ground.model, ground.data.matched(ground.model)
    warnings = check_model(model, data, [ground.threat], skip_broken=False)
    span = model.bounds[1] - model.bounds[0]
    plans = plan(suite, [ground.threat], "bench", span=span, defended=isinstance(model, DefendedModel))
    progress = Silent()
    with tempfile.TemporaryDirectory() as folder:
        work = Work(Path(folder), model, data, ground.seed, False, CLEAN, progress.note)
        ask_clean(work, progress)
        execute(work, plans[0].main, 0, progress)
        (done,) = escalate(work, plans, warnings, progress)
        cells = [(planned_cell(cell, model.draws), work.rows(cell.name)) for cell in done.main]
        flags = [*warnings, *diagnose(cells, len(data))]
        return SuiteRun(work.rows(CLEAN), [rows for _, rows in cells], flags, done.reasons)


def verdict(ids: Column, name: str, run: SuiteRun) -> Answer:
    """The worst case over the cells for each sample, and their total passes.

    Raises
    ------
    AttackError
        If an attack of the suite crashed.
    """
    clean, cells = run.clean, run.cells
    crash = next((rows.message for rows in cells if rows.message), None)
    if crash is not None:
        raise AttackError(f"an attack of {name} crashed: {crash}")
    order = np.argsort(ids)

    def place(rows: Records) -> Column:
        return np.asarray(order[np.searchsorted(ids, rows["sample_id"], sorter=order)])

    robust = np.zeros(len(ids), dtype=bool)
    robust[place(clean)] = clean.has_status(Status.FAILED)
    distance = np.full(len(ids), np.inf)
    distance[place(clean)] = clean["nearest_distance"]
    for rows in cells:
        at = place(rows)
        robust[at] &= ~(rows["verified"].astype(bool) | rows.has_status(Status.ERROR))
        distance[at] = np.minimum(distance[at], rows["nearest_distance"])
    forwards, backwards = (int(sum(rows[column].sum() for rows in (clean, *cells))) for column in ("forwards", "backwards"))
    return Answer(torch.from_numpy(robust), torch.from_numpy(distance), forwards, backwards)
