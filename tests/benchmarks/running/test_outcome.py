"""What records say of an attack's result."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from robustkit import Model
from robustkit.benchmarks.planning.cell import Cell
from robustkit.benchmarks.running.clean_pass import clean_records
from robustkit.benchmarks.running.outcome import crashed, outcome_of
from robustkit.build import attack
from robustkit.contracts.result import AttackResult
from robustkit.contracts.samples import Samples
from robustkit.threats import Threat

THREAT = Threat.parse("linf:0.105")
CELL = Cell("pgd", attack("pgd:steps=5"), THREAT, "attack", "all", "main", "context")


@pytest.fixture
def samples(linear_data: Any) -> Samples:
    return Samples(*linear_data, torch.arange(20))


@pytest.fixture
def found(linear_model: Model, samples: Samples) -> AttackResult:
    """Ten of twenty samples are successfully attacked."""
    return CELL.attack(linear_model, samples.x, samples.y, THREAT)


def test_rows_hold_what_was_found_and_what_the_clean_images_were(
    linear_model: Model, samples: Samples, found: AttackResult
) -> None:
    clean = clean_records(linear_model, samples, 0, "name")
    outcome = outcome_of(CELL, linear_model, samples, clean, found, 0)
    rows = outcome.records
    assert rows["verified"].tolist() == [True] * 10 + [False] * 10
    assert rows["status"].tolist() == ["found"] * 10 + ["failed"] * 10
    assert np.array_equal(rows["clean_margin"], clean["clean_margin"])
    assert np.array_equal(rows["margin"] < 0, rows["verified"])
    assert set(rows["target"].tolist()) == {-1}
    assert outcome.images is not None
    assert outcome.images["sample_id"].tolist() == list(range(14))


def test_what_is_not_verified_is_unconfirmed(linear_model: Model, samples: Samples, found: AttackResult) -> None:
    clean = clean_records(linear_model, samples, 0, "name")
    lie = dataclasses.replace(found, x_adv=samples.x)
    rows = outcome_of(CELL, linear_model, samples, clean, lie, 0).records
    assert rows["status"].tolist() == ["unconfirmed"] * 10 + ["failed"] * 10
    assert not rows["verified"].any()


def test_only_the_main_cells_keep_images(linear_model: Model, samples: Samples, found: AttackResult) -> None:
    clean = clean_records(linear_model, samples, 0, "name")
    curve = dataclasses.replace(CELL, part="curve")
    assert outcome_of(curve, linear_model, samples, clean, found, 0).images is None


def test_a_crash_is_neither_robust_nor_a_success(linear_model: Model, samples: Samples) -> None:
    clean = clean_records(linear_model, samples, 0, "name")
    outcome = crashed(clean, samples, RuntimeError("boom")).after(2.0)
    assert (outcome.records.message, outcome.records.seconds, outcome.images) == ("RuntimeError: boom", 2.0, None)
    assert set(outcome.records["status"]) == {"error"}
    assert not outcome.records["verified"].any()
    assert not outcome.records["forwards"].any()
