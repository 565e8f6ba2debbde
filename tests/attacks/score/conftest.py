"""Images at the walls and in between, and words to move them with."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(scope="session")
def batch_of_six(batch_of):
    """Six images, the first of them black and the second white, or as many as `shape` says."""

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
