"""Losses that attacks maximise. Each maps logits ``(B, K)`` and labels ``(B,)`` to one loss per sample."""

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
    """The label's logit minus the best other logit, ``(B,)``: positive if the label is predicted."""
    return take(logits, labels) - best_other(logits, labels)


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of the label."""
    return functional.cross_entropy(logits, labels, reduction="none")


def cross_entropy_targeted(logits: Tensor, targets: Tensor) -> Tensor:
    """Log-probability of the target."""
    return -functional.cross_entropy(logits, targets, reduction="none")


def dlr(logits: Tensor, labels: Tensor) -> Tensor:
    """Difference of logits ratio (Croce and Hein, arXiv 2003.01690, eq. 6): invariant to shifts and scales of the logits.

    It needs three classes. With two the ratio would be constant, so the difference of the two logits is used instead.
    """
    if logits.shape[1] < 3:
        return -margin(logits, labels)
    ordered = logits.sort(dim=1, descending=True).values
    return -margin(logits, labels) / (ordered[:, 0] - ordered[:, 2] + 1e-12)


def dlr_targeted(logits: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
    """Targeted difference of logits ratio (arXiv 2003.01690, eq. 7).

    It needs four classes, because its denominator uses the third and fourth greatest logits. With fewer, the difference of
    the two logits is used instead.
    """
    difference = take(logits, targets) - take(logits, labels)
    if logits.shape[1] < 4:
        return difference
    ordered = logits.sort(dim=1, descending=True).values
    return difference / (ordered[:, 0] - 0.5 * (ordered[:, 2] + ordered[:, 3]) + 1e-12)


def is_adversarial(logits: Tensor, labels: Tensor, targets: Tensor | None) -> Tensor:
    """Whether the prediction is the target or, without targets, any class but the label. Bool ``(B,)``."""
    prediction = logits.argmax(1)
    return prediction == targets if targets is not None else prediction != labels


def adversarial_margin(logits: Tensor, labels: Tensor, targets: Tensor | None) -> Tensor:
    """The target's logit minus the best other, or the best other logit minus the label's. ``(B,)``."""
    return margin(logits, targets) if targets is not None else -margin(logits, labels)


def ranked_wrong(logits: Tensor, labels: Tensor) -> Tensor:
    """The classes by decreasing logit, with the label last, ``(B, K)``."""
    return logits.scatter(1, labels[:, None], -torch.inf).argsort(dim=1, descending=True, stable=True)
