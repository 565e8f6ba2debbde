"""The clean pass, on which everything else is due."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from robustkit import Model
from robustkit.benchmarks.running.clean_pass import CleanPass, clean_records
from robustkit.benchmarks.running.work import Work
from robustkit.contracts.samples import Samples
from robustkit.data import as_data


@pytest.fixture
def work(linear_model: Model, linear_data: Any, tmp_path: Path) -> Work:
    return Work(tmp_path, linear_model, as_data(linear_data), 0, False, "clean", print)


def test_rows_say_what_the_model_says(linear_model: Model, linear_data: Any) -> None:
    x, y = linear_data
    y = torch.where(torch.arange(20) < 3, 0, y)
    found = clean_records(linear_model, Samples(x, y, torch.arange(20)), 0, "name")
    assert found["status"].tolist() == ["misclassified"] * 3 + ["failed"] * 17
    assert found["prediction"].tolist() == [1] * 20
    assert np.array_equal(found["margin"] > 0, found["status"] == "failed")
    assert found["nearest_distance"].tolist() == [0] * 3 + [np.inf] * 17


def test_a_model_that_crashes_leaves_rows_that_say_so(linear_model: Model, linear_data: Any) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("boom")

    linear_model.net.register_forward_pre_hook(fail)
    found = clean_records(linear_model, Samples(*linear_data, torch.arange(20)), 0, "name")
    assert (found.message, set(found["status"])) == ("RuntimeError: boom", {"error"})


def test_it_is_done_once_its_records_fit_the_data(work: Work) -> None:
    what, (shard,) = CleanPass(work), work.shards()
    assert not what.is_done(shard, what.due(shard))
    what.compute(work.load([(shard, what.due(shard))]))
    assert what.is_done(shard, what.due(shard))
    shard.data.labels[0] = 0
    assert not what.is_done(shard, what.due(shard))
