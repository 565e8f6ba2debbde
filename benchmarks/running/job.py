"""A job, one cell on one pool of samples, as a picklable value, and the function that carries it out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from robustkit.benchmarks.planning.cell import Cell
from robustkit.benchmarks.running.crash import is_crash
from robustkit.benchmarks.running.outcome import NOTHING, Outcome, crashed, outcome_of
from robustkit.benchmarks.running.records import Records
from robustkit.benchmarks.running.targets import with_targets
from robustkit.benchmarks.running.work import Part, Pool
from robustkit.contracts.model import Model
from robustkit.contracts.result import AttackResult
from robustkit.contracts.rows import select
from robustkit.contracts.samples import Samples
from robustkit.rng import pass_seed
from robustkit.shrinking import Known, ShrinkingAttack
from robustkit.threats import NormThreat
from robustkit.universal import Fitted, UniversalAttack, fold_of


@dataclass(frozen=True)
class Job:
    """One cell on one pool of samples.

    Parameters
    ----------
    cell, pool
        The attack and the samples.
    clean
        The rows of the clean images, for each part of the pool.
    classes
        The number of the model's classes.
    seed
        The user's seed.
    fitted
        The perturbation that a universal attack fitted for each fold, or the error of its fit.
    known
        The adversarial images of the samples that a shrinking attack starts from.
    """

    cell: Cell
    pool: Pool
    clean: tuple[Records, ...]
    classes: int
    seed: int
    fitted: Sequence[Fitted] | Exception | None = None
    known: Known | None = None

    def parts(self) -> list[Job]:
        """A job for each part of the pool."""
        made = []
        for part, clean in zip(self.pool.parts, self.clean, strict=True):
            alone = Pool(self.pool.of(part), [part._replace(rows=torch.arange(len(part.rows)))])
            known = None if self.known is None else select(self.known, part.rows)
            made.append(replace(self, pool=alone, clean=(clean,), known=known))
        return made


def carry_out(job: Job, model: Model) -> list[Outcome]:
    """The outcome for each part of the pool.

    An attack that crashes on several parts is run again on each part alone, which isolates the failing ones. A crash, including
    one while fitting a universal attack, is recorded for every sample of the part; these samples count neither as robust nor
    as successfully attacked.

    Raises
    ------
    RobustkitError
        If the attack rejects a value of the user's.
    """
    parts = job.pool.parts
    if not len(job.pool.samples):
        return [NOTHING] * len(parts)
    samples = with_targets(job.pool.samples.to(model.device), job.cell.threat, job.classes, job.seed)
    began, result = time.perf_counter(), None
    try:
        result = search(job, model, samples)
    except Exception as error:  # a third-party attack may raise anything
        if not is_crash(error):
            raise
        if len(parts) == 1:
            return [crashed(job.clean[0], samples, error).after(time.perf_counter() - began)]
    if result is None:  # outside the handler, whose traceback keeps the tensors of the failed search alive
        return [outcome for alone in job.parts() for outcome in carry_out(alone, model)]
    each = (time.perf_counter() - began) / len(samples)
    outcomes = []
    for part, clean in zip(parts, job.clean, strict=True):
        began = time.perf_counter()
        outcome = judge(job, model, part, clean, samples.rows(part.rows), AttackResult.join([result], part.rows))
        outcomes.append(outcome.after(each * len(clean) + time.perf_counter() - began))
    return outcomes


def search(job: Job, model: Model, samples: Samples) -> AttackResult:
    """The attack's result, not yet verified; a universal attack applies to each fold the perturbation fitted on the other."""
    attack, threat = job.cell.attack, job.cell.threat
    attacked = model.undefended if job.cell.part == "non-adaptive" else model
    if isinstance(job.fitted, Exception):
        raise job.fitted
    if isinstance(attack, ShrinkingAttack) and job.known is not None:
        assert isinstance(threat, NormThreat)
        known = Known(**{name: tensor.to(samples.x) for name, tensor in vars(job.known).items()})
        return attack.shrink(attacked.with_draws(attack.least_draws), samples, threat, known, job.seed)
    if not isinstance(attack, UniversalAttack) or job.fitted is None:
        return attack(attacked, samples.x, samples.y, threat, targets=samples.targets, sample_ids=samples.ids, seed=job.seed)
    fold = fold_of(samples.ids, job.seed)
    results, order = [], []
    for side, made in enumerate(job.fitted):
        rows = (fold == side).nonzero().squeeze(1)
        if len(rows):
            results.append(attack.apply_to(attacked, samples.rows(rows), threat, made, job.seed))
            order.append(rows)
    return AttackResult.join(results, torch.cat(order).argsort())


def judge(job: Job, model: Model, part: Part, clean: Records, samples: Samples, result: AttackResult) -> Outcome:
    """The verified outcome of one part of a result."""
    if not len(clean):
        return NOTHING
    seed = pass_seed(job.seed, f"verify/{job.cell.name}/{part.shard}")
    try:
        return outcome_of(job.cell, model, samples, clean, result, seed)
    except Exception as error:  # a third-party model may raise anything
        if not is_crash(error):
            raise
        return crashed(clean, samples, error)
