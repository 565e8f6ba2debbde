"""The outcome of an attack on one shard: records, and the images stored beside them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from robustkit.benchmarks.planning.cell import Cell
from robustkit.benchmarks.running import records
from robustkit.benchmarks.running.crash import sentence_of
from robustkit.benchmarks.running.kept import Kept, worth_keeping
from robustkit.benchmarks.running.records import Column, Records, as_column, named
from robustkit.benchmarks.running.verification import contradicts_itself, verify
from robustkit.contracts.model import Model
from robustkit.contracts.result import AttackResult, Status
from robustkit.contracts.samples import Samples


@dataclass(frozen=True)
class Outcome:
    """The records of some samples of a shard, and the images to store; None stores none."""

    records: Records
    images: Kept | None = None

    def after(self, seconds: float) -> Outcome:
        """The same outcome with its run time."""
        return replace(self, records=replace(self.records, seconds=seconds))


NOTHING = Outcome(records.empty())
"""The outcome for no samples."""


def outcome_of(
    cell: Cell,
    model: Model,
    samples: Samples,
    clean: Records,
    result: AttackResult,
    seed: int,
) -> Outcome:
    """The outcome of an attack, with its claims verified. The samples are on the model's device.

    Parameters
    ----------
    model
        The model under test, even if the attack saw only the undefended network.
    clean
        The rows of the clean images.
    seed
        Seeds the draws of a randomised model.
    """
    found = verify(cell, model, samples, result, seed)
    verified, status = found.verified, result.status.cpu()
    claimed = (result.success | result.reported).cpu()
    if model.draws > 1 and cell.part != "non-adaptive":
        # A single majority may be luck: a success needs two, the attack's and this one. A success that the attack saw only in
        # its final check may fail here without counting as unconfirmed; one on a sample that it skipped may not.
        given_up = status == int(Status.MISCLASSIFIED)
        verified = verified & (claimed | given_up)
        claimed = result.reported.cpu() | given_up | verified
    status = torch.where(status == int(Status.FOUND), int(Status.FAILED), status)  # FOUND requires verification
    status = torch.where(claimed & ~verified, int(Status.UNCONFIRMED), status)
    status = torch.where(verified, int(Status.FOUND), status)
    status = torch.where(found.finite, status, int(Status.ERROR))
    if model.draws == 1:
        changed = verified & contradicts_itself(model, samples, verified)
        verified = verified & ~changed
        status = torch.where(changed, int(Status.ERROR), status)
    x, x_adv = samples.x, result.x_adv.to(samples.x)
    kept = None
    if cell.part == "main":
        images = {"sample_id": samples.ids, "x": x, "x_adv": x_adv, "prediction": found.prediction, "verified": verified}
        if result.witness is not None:
            images["witness"] = result.witness
        kept = worth_keeping(images, found.margin)
    columns = {
        **{name: clean[name] for name in ("sample_id", "label", "clean_prediction", "clean_margin", "clean_confidence")},
        "target": target_column(samples.targets, len(clean)),
        "prediction": as_column(found.prediction),
        "margin": as_column(found.margin),
        "confidence": as_column(found.confidence),
        "reported": as_column(claimed),
        "verified": as_column(verified),
        "status": named(status),
        "distance": as_column(cell.threat.distance(x, x_adv)),
        "nearest_distance": as_column(result.nearest_distance),
        "forwards": as_column(result.forwards),
        "backwards": as_column(result.backwards),
        "first_success_step": as_column(result.first_success_step),
        "zero_gradients": as_column(result.zero_gradients),
    }
    return Outcome(Records(columns), kept)


def crashed(clean: Records, samples: Samples, error: Exception) -> Outcome:
    """The outcome of a crash of the model or the attack on the samples with these clean records."""
    n = len(clean)
    columns = clean.columns | {
        "target": target_column(samples.targets, n),
        "status": named(torch.full((n,), int(Status.ERROR))),
        "forwards": np.zeros(n, dtype=np.int32),
    }
    return Outcome(Records(columns, message=sentence_of(error)))


def target_column(targets: Tensor | None, n: int) -> Column:
    """The target class of each of `n` samples; -1 for none."""
    return np.full(n, -1) if targets is None else as_column(targets)
