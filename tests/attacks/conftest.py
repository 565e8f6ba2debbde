"""What an attack's own functions are called with, without the engine."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from robustkit.contracts.classification import CLASSIFICATION
from robustkit.contracts.samples import Samples
from robustkit.engine.stepping import Batch
from robustkit.rng import SampleRandom
from robustkit.threats import Threat


@pytest.fixture(scope="session")
def batch_of() -> Callable[..., Batch]:
    """A batch of some images, of class 0 unless told otherwise: ``batch_of(x, "l2:1")``."""

    def make(
        x: Tensor,
        threat: str = "linf:0.1",
        y: Tensor | None = None,
        targets: Tensor | None = None,
        bounds: tuple[float, float] = (0.0, 1.0),
    ) -> Batch:
        ids = torch.arange(len(x))
        return Batch(
            samples=Samples(x, torch.zeros_like(ids) if y is None else y, ids, targets),
            criterion=CLASSIFICATION,
            attempt=torch.zeros_like(ids),
            clean_logits=None,
            threat=Threat.parse(threat),
            bounds=bounds,
            random=SampleRandom(0, "test"),
        )

    return make
