"""The model's predictions on the clean images."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
import torch

from robustkit.benchmarks.running import records
from robustkit.benchmarks.running.contradictions import samples_contradict
from robustkit.benchmarks.running.crash import is_crash, sentence_of
from robustkit.benchmarks.running.records import Column, Records, as_column, named
from robustkit.benchmarks.running.verification import confidence_in
from robustkit.benchmarks.running.work import Pool, Shard, Work
from robustkit.contracts.answer import predict
from robustkit.contracts.model import Model
from robustkit.contracts.result import Status
from robustkit.contracts.samples import Samples
from robustkit.losses import margin
from robustkit.rng import pass_seed


@dataclass(frozen=True)
class CleanPass:
    """The first measurement of a run; attacks run only on samples that it finds correctly classified."""

    work: Work

    @property
    def name(self) -> str:
        return self.work.clean_cell

    def due(self, shard: Shard) -> Column:
        return shard.data.ids

    def is_done(self, shard: Shard, due: Column) -> bool:
        found = self.work.read_or_none(self.name, shard.name, due)
        return found is not None and samples_contradict(found, self.name, due, shard.data.labels) is None

    def compute(self, pool: Pool) -> None:
        work = self.work
        for part in pool.parts:
            found = clean_records(work.model, pool.of(part), work.seed, part.shard)
            found = replace(found, cell=self.name, skipped=part.skipped)
            if found.message:
                work.say(f"{work.model.name} crashed on clean images: {found.message}")
            records.write(work.records_at(self.name, part.shard), found)


def clean_records(model: Model, samples: Samples, seed: int, name: str) -> Records:
    """The rows of a shard's clean images; error rows if the model fails on them. Writes nothing.

    Raises
    ------
    RobustkitError
        If the model rejects a value of the user's.
    """
    began = time.perf_counter()
    n, message = len(samples.y), ""
    try:
        with model.frozen(pass_seed(seed, f"clean/{name}")):
            answer = predict(model, samples.x.to(model.device), samples.y.to(model.device))
        logits, prediction, _ = (part.cpu() for part in answer)
    except Exception as error:  # a third-party model may raise anything
        if not is_crash(error):
            raise
        logits, message = torch.full((n, 2 + max(samples.y.tolist(), default=0)), torch.nan), sentence_of(error)
        prediction = torch.zeros_like(samples.y)
    broken = ~logits.isfinite().all(1)
    confidence = confidence_in(logits, prediction)
    prediction = torch.where(broken, -1, prediction)
    clean_margin = torch.where(broken, torch.nan, margin(logits, samples.y))
    wrong = (prediction != samples.y) & ~broken
    status = torch.where(broken, int(Status.ERROR), torch.where(wrong, int(Status.MISCLASSIFIED), int(Status.FAILED)))
    zeros = np.zeros(n, dtype=np.int32)
    return Records(
        {
            "sample_id": as_column(samples.ids),
            "label": as_column(samples.y),
            "target": zeros - 1,
            "clean_prediction": as_column(prediction),
            "clean_margin": as_column(clean_margin),
            "clean_confidence": as_column(confidence),
            "prediction": as_column(prediction),
            "margin": as_column(clean_margin),
            "confidence": as_column(confidence),
            "reported": zeros.astype(bool),
            "verified": zeros.astype(bool),
            "status": named(status),
            "distance": zeros.astype(np.float32),
            "nearest_distance": np.where(as_column(wrong), 0, np.inf).astype(np.float32),
            "forwards": zeros + model.draws,
            "backwards": zeros,
            "first_success_step": zeros - 1,
            "zero_gradients": zeros,
        },
        time.perf_counter() - began,
        message,
    )
