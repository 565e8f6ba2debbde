"""One cell on one pool: the same answers as shard by shard, from a value that can be sent elsewhere."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from robustkit import Model, registry
from robustkit.benchmarks.planning.cell import Cell
from robustkit.benchmarks.running import work as working
from robustkit.benchmarks.running.clean_pass import clean_records
from robustkit.benchmarks.running.job import Job, carry_out
from robustkit.benchmarks.running.outcome import Outcome
from robustkit.benchmarks.running.work import Work
from robustkit.build import attack
from robustkit.contracts.attack import Attack, AttackInfo
from robustkit.data import as_data
from robustkit.errors import UsageError
from robustkit.shrinking import Known
from robustkit.threats import Threat


@dataclasses.dataclass(frozen=True, kw_only=True)
class Picky(Attack):
    """Noise, but fails on an image as far from the boundary as this."""

    far: float
    error: type[Exception] = RuntimeError
    info: ClassVar[AttackInfo] = AttackInfo(
        name="picky", threats=("linf",), knowledge="white-box", targeted=False, cost="0", paper="none"
    )

    def run(self, model: Model, samples: Any, threat: Any, seed: int) -> Any:
        if (samples.x > 0.5 + self.far - 0.001).any():
            raise self.error("boom")
        return registry.build("attacks", "noise", {}).run(model, samples, threat, seed)


@pytest.fixture
def work(linear_model: Model, linear_data: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Work:
    """Twenty samples in shards of five."""
    monkeypatch.setattr(working, "shard_size", lambda *_: 5)
    return Work(tmp_path, linear_model, as_data(linear_data), 0, False, "clean", print)


def job_on(work: Work, built: Attack, fitted: Any = None, threat: str = "linf:0.105") -> Job:
    """A cell on all shards in one pool."""
    pool = work.load([(shard, shard.data.ids) for shard in work.shards()])
    clean = tuple(clean_records(work.model, pool.of(part), 0, part.shard) for part in pool.parts)
    cell = Cell("it", built, Threat.parse(threat), "attack", "all", "main", "context")
    return Job(cell, pool, clean, 2, 0, fitted)


def same(a: Outcome, b: Outcome) -> bool:
    assert a.images is not None
    assert b.images is not None
    columns = all(np.array_equal(a.records[name], b.records[name]) for name in a.records.columns)
    return columns and all(torch.equal(a.images[name], b.images[name]) for name in a.images)


@pytest.mark.parametrize("threat", ["linf:0.105", "linf:0.105,targeted"])
def test_a_pool_is_answered_as_its_parts_are(work: Work, threat: str) -> None:
    job = job_on(work, attack("pgd:steps=5"), threat=threat)
    pooled = carry_out(job, work.model)
    alone = [answer for part in job.parts() for answer in carry_out(part, work.model)]
    assert len(pooled) == 4
    assert all(map(same, pooled, alone))
    assert [answer.records["verified"].sum() for answer in pooled] == [5, 5, 0, 0]
    assert all(answer.records.seconds > 0 for answer in pooled)


def test_known_images_stay_with_their_samples(work: Work) -> None:
    """Each part of the pool shrinks its own images, as the whole pool does."""
    job = job_on(work, attack("shrink", shares=(0.5,)), threat="linf:0.22")
    x = job.pool.samples.x
    known = Known(x_adv=x - 0.22, margin=torch.ones(20), clean_margin=-torch.ones(20))
    job = dataclasses.replace(job, known=known)
    pooled = carry_out(job, work.model)
    assert all(map(same, pooled, [answer for part in job.parts() for answer in carry_out(part, work.model)]))
    assert np.concatenate([answer.records["nearest_distance"] for answer in pooled]).tolist() == pytest.approx(
        [0.11] * 11 + [0.22] * 9, abs=1e-6
    )


def test_a_job_can_be_sent_to_another_process(work: Work) -> None:
    job = job_on(work, attack("pgd:steps=5"))
    sent = pickle.loads(pickle.dumps(job))
    assert all(map(same, carry_out(sent, work.model), carry_out(job, work.model)))


def test_a_crash_does_not_spoil_the_neighbours(work: Work) -> None:
    answers = carry_out(job_on(work, Picky(far=0.16)), work.model)
    assert [answer.records.message for answer in answers] == ["", "", "", "RuntimeError: boom"]
    assert set(answers[3].records["status"]) == {"error"}
    assert answers[3].images is None
    assert all(map(same, answers[:3], carry_out(job_on(work, registry.build("attacks", "noise", {})), work.model)))


def test_a_fit_that_crashed_answers_nothing(work: Work) -> None:
    answers = carry_out(job_on(work, attack("uap"), fitted=RuntimeError("no fit")), work.model)
    assert {answer.records.message for answer in answers} == {"RuntimeError: no fit"}


def test_a_value_that_cannot_be_used_is_the_users_to_hear(work: Work) -> None:
    with pytest.raises(UsageError, match="boom"):
        carry_out(job_on(work, Picky(far=0.16, error=UsageError)), work.model)


def test_no_samples_have_no_records(work: Work) -> None:
    job = job_on(work, attack("noise"))
    (shard, *_) = work.shards()
    empty = dataclasses.replace(
        job, pool=work.load([(shard, shard.data.ids[:0])]), clean=(job.clean[0].where(np.zeros(5, bool)),)
    )
    (answer,) = carry_out(empty, work.model)
    assert (len(answer.records), answer.images) == (0, None)
