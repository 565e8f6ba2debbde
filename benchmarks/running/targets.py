"""The class that a targeted attack is to reach, for each sample."""

from __future__ import annotations

from dataclasses import replace

import torch

from robustkit.contracts.samples import Samples
from robustkit.rng import SampleRandom
from robustkit.threats import PatchThreat, Threat


def with_targets(samples: Samples, threat: Threat, classes: int, seed: int) -> Samples:
    """Under a targeted threat, the samples with another class each as their target, drawn by its id.

    A sticker is one for all samples, so its target is one class, and the class after it for samples of that very class.
    """
    if not threat.targeted or not len(samples):
        return samples
    draw, y, ids = SampleRandom(seed, "target"), samples.y, samples.ids
    if isinstance(threat, PatchThreat):
        one = draw.integers(torch.zeros_like(ids), (), classes)
        return replace(samples, targets=torch.where(y == one, (one + 1) % classes, one))
    return replace(samples, targets=(y + 1 + draw.integers(ids, (), classes - 1)) % classes)
