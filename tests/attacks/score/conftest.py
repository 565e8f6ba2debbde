"""Images at the bounds and in between, and random words for proposals."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(scope="session")
def batch_of_six(batch_of):
    """Six images, or as many as given by `shape`; the first is black and the second white."""

    def make(threat, shape=(6, 3, 12, 10), dtype=torch.float64):
        x = torch.rand(shape, generator=torch.Generator().manual_seed(2), dtype=dtype)
        x[0], x[1] = 0, 1
        return batch_of(x, threat)

    return make


@pytest.fixture(scope="session")
def words():
    """Random 32-bit words, ``(n, count)``."""

    def make(count, n=6):
        return torch.randint(0, 2**32, (n, count), generator=torch.Generator().manual_seed(3))

    return make
