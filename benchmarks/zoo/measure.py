"""What each attack that could be in a suite finds on a network, for how many passes, per sample."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from robustkit.benchmarks.bench.contender import images_and_labels
from robustkit.benchmarks.zoo.make import load_member, test_images
from robustkit.benchmarks.zoo.members import Member
from robustkit.build import attack
from robustkit.losses import margin
from robustkit.threats import NormThreat, Threat

#: By candidate, ``(3, N)``: whether it succeeded, the remaining share of the clean margin, and its passes.
Found = dict[str, NDArray[np.float64]]

CANDIDATES = (
    "apgd-ce:steps=10",
    "apgd-ce:steps=20",
    "apgd-ce",
    "apgd-ce:steps=50,restarts=10",
    "apgd-dlr:steps=20",
    "apgd-margin:steps=20",
    "apgd-t:steps=5",
    "apgd-t:steps=10,target_classes=3",
    "apgd-t:steps=20,target_classes=3",
    "apgd-t:steps=10",
    "apgd-t:steps=20",
    "apgd-t",
    "pma:steps=10",
    "pma:steps=20",
    "pma:steps=20,restarts=5",
    "pma:steps=50,restarts=10",
    "cr",
    "cr:target_classes=9",
    "pgd:steps=20",
    "fmn:steps=20,stop_at_eps=true",
    "fmn:steps=50,stop_at_eps=true",
    "ddn:steps=50,stop_at_eps=true",
    "ddn:steps=100,stop_at_eps=true",
    "pdpgd:steps=100,stop_at_eps=true",
    "fab:steps=50,stop_at_eps=true",
    "square:steps=300",
    "square:steps=1000",
    "square:steps=5000",
)


def measure(folder: Path, member: Member, threat: Threat, limit: int, note: Callable[[str], None]) -> Found:
    """The result of every candidate on every correctly classified test image."""
    model = load_member(folder, member)
    x, y = images_and_labels(test_images(member.data, limit), model)
    clean = margin(model.logits(x), y)
    x, y, clean = x[clean > 0], y[clean > 0], clean[clean > 0]
    found = {}
    for spec in CANDIDATES:
        built = attack(spec)
        assert isinstance(threat, NormThreat)
        if threat.norm not in built.info.threats:
            continue
        note(f"{member.name} {threat.id} {spec}")
        result = built(model, x, y, threat)
        left = margin(model.logits(result.x_adv), y) / clean
        found[spec] = torch.stack([result.success, left, result.forwards + result.backwards]).double().numpy()
    return found
