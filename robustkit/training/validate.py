"""Clean and robust accuracy during training, with a short attack through the same engine as an audit."""

from __future__ import annotations

import torch

from robustkit.build import attack
from robustkit.contracts.model import Model
from robustkit.data.base import Data
from robustkit.threats import Threat

ATTACK = "pgd:steps=20"


def validate(model: Model, data: Data, threat: Threat | None, robust_limit: int, seed: int) -> dict[str, float]:
    """Clean accuracy (``clean``) and, given a threat, robust accuracy under PGD-20 (``robust``).

    At most `robust_limit` images, stratified, are attacked. An audit is needed for the worst case over attacks.
    """
    size = 256
    correct = 0
    for x, y, _ in data.batches(model.spec, size):
        x = x.to(model.device)
        correct += int((model.logits(x).argmax(1).cpu() == y).sum())
    scores = {"clean": correct / len(data)}
    if threat is not None:
        attacked = data.limit(robust_limit)
        adversary = attack(ATTACK)
        robust = 0
        for x, y, ids in attacked.batches(model.spec, size):
            targets = None
            if threat.targeted:
                logits = model.logits(x.to(model.device)).cpu()
                targets = logits.scatter(1, y[:, None], -torch.inf).argmax(1)
            robust += int(adversary(model, x, y, threat, targets=targets, sample_ids=ids, seed=seed).robust.sum())
        scores["robust"] = robust / len(attacked)
    return scores
