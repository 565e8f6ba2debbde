"""Losses that attacks climb. Each takes logits ``(B, K)`` and labels ``(B,)`` to a loss a sample, greater is more adversarial."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def take(logits: Tensor, labels: Tensor) -> Tensor:
    """The logit of each sample's label, ``(B,)``."""
    return logits.gather(1, labels[:, None]).squeeze(1)


def best_other(logits: Tensor, labels: Tensor) -> Tensor:
    """The greatest logit among the other classes, ``(B,)``."""
    return logits.scatter(1, labels[:, None], -torch.inf).amax(1)


def margin(logits: Tensor, labels: Tensor) -> Tensor:
    """How far the label leads the best other class: positive when the label is predicted, ``(B,)``."""
    return take(logits, labels) - best_other(logits, labels)


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of the label."""
    return functional.cross_entropy(logits, labels, reduction="none")


def cross_entropy_targeted(logits: Tensor, targets: Tensor) -> Tensor:
    """Log-probability of the target."""
    return -functional.cross_entropy(logits, targets, reduction="none")


def dlr(logits: Tensor, labels: Tensor) -> Tensor:
    """Difference of logits ratio (Croce and Hein, arXiv 2003.01690, eq. 6): invariant to shifts and scales of the logits.

    Needs three classes; with two the denominator is the spread of the two logits.
    """
    ordered = logits.sort(dim=1, descending=True).values
    spread = ordered[:, 0] - ordered[:, min(2, logits.shape[1] - 1)]
    return -margin(logits, labels) / (spread + 1e-12)


def dlr_targeted(logits: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
    """Targeted difference of logits ratio (arXiv 2003.01690, eq. 7).

    The denominator uses the third and fourth greatest logits; with fewer classes it uses the last ones there are.
    """
    ordered = logits.sort(dim=1, descending=True).values
    last = logits.shape[1] - 1
    spread = ordered[:, 0] - 0.5 * (ordered[:, min(2, last)] + ordered[:, min(3, last)])
    return -(take(logits, labels) - take(logits, targets)) / (spread + 1e-12)
