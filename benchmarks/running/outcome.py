"""What records say of the samples of one shard after an attack, and the images kept beside them."""

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
    """The records of some samples of a shard, and what is to be kept of their images; None keeps none."""

    records: Records
    images: Kept | None = None

    def after(self, seconds: float) -> Outcome:
        """The same, with the time it took."""
        return replace(self, records=replace(self.records, seconds=seconds))


NOTHING = Outcome(records.empty())
"""To no samples."""


def outcome_of(
    cell: Cell,
    model: Model,
    samples: Samples,
    clean: Records,
    result: AttackResult,
    seed: int,
) -> Outcome:
    """Verify what an attack claims of samples on the model's device.

    Parameters
    ----------
    model
        The one under test, whether the attack saw it or the network behind its input transforms.
    clean
        The rows of the clean images.
    seed
        Of the draws of a randomised model.
    """
    found = verify(cell, model, samples, result, seed)
    verified, status = found.verified, result.status.cpu()
    claimed = (result.success | result.reported).cpu()
    if model.draws > 1 and cell.part != "non-adaptive":
        # The majority of one question may be luck: a success needs two, the attack's and this one. What the attack itself only
        # saw in the end is in doubt, not unconfirmed; what it did not attack is.
        given_up = status == int(Status.MISCLASSIFIED)
        verified = verified & (claimed | given_up)
        claimed = result.reported.cpu() | given_up | verified
    status = torch.where(status == int(Status.FOUND), int(Status.FAILED), status)  # only what is verified was found
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
    """Rows that say that model or attack failed on the samples with these clean records."""
    n = len(clean)
    columns = clean.columns | {
        "target": target_column(samples.targets, n),
        "status": named(torch.full((n,), int(Status.ERROR))),
        "forwards": np.zeros(n, dtype=np.int32),
    }
    return Outcome(Records(columns, message=sentence_of(error)))


def target_column(targets: Tensor | None, n: int) -> Column:
    """The class that was to be reached by each of `n` samples; -1 for none."""
    return np.full(n, -1) if targets is None else as_column(targets)
