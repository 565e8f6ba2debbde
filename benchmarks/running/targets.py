"""The target class of each sample in a targeted attack."""

from __future__ import annotations

from dataclasses import replace

import torch

from robustkit.contracts.samples import Samples
from robustkit.rng import SampleRandom
from robustkit.threats import PatchThreat, Threat


def with_targets(samples: Samples, threat: Threat, classes: int, seed: int) -> Samples:
    """The samples with a random other class as target, determined by their ids; unchanged if the threat is untargeted.

    A patch is shared by all samples, so they share one target class; samples of that class get the next one.
    """
    if not threat.targeted or not len(samples):
        return samples
    draw, y, ids = SampleRandom(seed, "target"), samples.y, samples.ids
    if isinstance(threat, PatchThreat):
        one = draw.integers(torch.zeros_like(ids), (), classes)
        return replace(samples, targets=torch.where(y == one, (one + 1) % classes, one))
    return replace(samples, targets=(y + 1 + draw.integers(ids, (), classes - 1)) % classes)
