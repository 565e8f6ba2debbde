"""Images cross to the device once, as long as there is room for them."""

from __future__ import annotations

import numpy as np
import torch

from robustkit.benchmarks.running.resident import Resident
from robustkit.contracts.samples import Samples
from tests.far import Far, far_device, uploads

IMAGE = 3 * 4 * 4 * 4


def samples(start: int, count: int) -> Samples:
    ids = torch.arange(start, start + count)
    return Samples(ids.float()[:, None, None, None].expand(-1, 3, 4, 4).contiguous(), ids % 2, ids)


def test_what_was_taken_is_found_again_without_crossing() -> None:
    with far_device() as device:
        resident = Resident(torch.device(device))
        assert resident.find("a", np.arange(2)) is None
        taken = resident.take("a", samples(0, 6))
        assert isinstance(taken.x, Far)
        assert sum(uploads.values()) == 6
        found = resident.find("a", np.array([1, 4]))
        assert found is not None
        assert isinstance(found.x, Far)
        assert (found.x.here[:, 0, 0, 0].tolist(), found.y.tolist(), found.ids.tolist()) == ([1, 4], [1, 0], [1, 4])
        assert resident.find("a", np.array([1, 7])) is None
        assert resident.find("b", np.array([1])) is None
        assert sum(uploads.values()) == 6


def test_the_first_that_fit_stay_and_a_shard_is_kept_as_it_was_taken_last() -> None:
    with far_device() as device:
        resident = Resident(torch.device(device), budget=5 * IMAGE)
        resident.take("a", samples(0, 2))
        resident.take("a", samples(0, 3))
        assert len(resident.take("b", samples(10, 3))) == 3
        assert resident.find("a", np.arange(3)) is not None
        assert resident.find("b", np.array([10])) is None
        resident.take("c", samples(20, 2))
        assert resident.find("c", np.array([20, 21])) is not None


def test_nothing_is_kept_on_the_cpu() -> None:
    resident, given = Resident(torch.device("cpu")), samples(0, 3)
    assert resident.take("a", given).x is given.x
    assert resident.find("a", np.arange(3)) is None
