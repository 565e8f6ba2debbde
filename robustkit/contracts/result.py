"""The result of an attack, one row per sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import reduce

import torch
from torch import Tensor

from robustkit.contracts.rows import Rows, join, select


class Status(IntEnum):
    """How the search for one sample ended."""

    FAILED = 0  #: the attack found nothing: `x_adv` is the best effort
    FOUND = 1  #: a verified adversarial image inside the threat
    MISCLASSIFIED = 2  #: the clean image is already misclassified, so it was not attacked
    UNCONFIRMED = 3  #: the search reported a success that the final pass did not confirm
    ERROR = 4  #: the model or the attack failed on this sample: neither robust nor successfully attacked


@dataclass(kw_only=True)
class AttackResult(Rows):
    """The result of an attack, one row per sample.

    Parameters
    ----------
    x_adv
        ``(N, C, H, W)``: the adversarial image; the best effort if none was found; the clean image if it was already
        misclassified.
    success
        Bool ``(N,)``: a correctly classified image was successfully attacked, verified by a fresh pass in full precision.
    distance
        ``(N,)`` in the threat's unit.
    forwards, backwards
        ``(N,)``: number of passes, including the clean pass and the verification.
    first_success_step
        ``(N,)``: index, from 0, of the first successful query; -1 if none.
    status
        ``(N,)`` values of `Status`.
    reported
        Bool ``(N,)``: what the search claimed before verification.
    logits
        ``(N, K)`` of `x_adv`.
    zero_gradients
        ``(N,)``: number of backward passes whose gradient vanished (all elements below 1e-12) or was not finite in some
        element, a sign of gradient masking. Of a universal attack: 1 if most gradients of its fit were such.
    nearest
        ``(N, C, H, W)``: the nearest verified adversarial image, whatever its distance, of a minimum-norm attack;
        `x_adv` of others.
    nearest_distance
        ``(N,)``: distance of `nearest` in the threat's unit, an upper bound of the minimal perturbation: 0 if the clean image
        was misclassified, infinite if no adversarial image is known.
    witness
        ``(N, P)``: under a threat that renders images, the parameters that `x_adv` was rendered from (`Threat.contains`),
        without which it cannot be verified.
    """

    x_adv: Tensor
    success: Tensor
    distance: Tensor
    forwards: Tensor
    backwards: Tensor
    first_success_step: Tensor
    status: Tensor
    reported: Tensor
    logits: Tensor
    zero_gradients: Tensor
    nearest: Tensor = None  # type: ignore[assignment]
    nearest_distance: Tensor = None  # type: ignore[assignment]
    witness: Tensor | None = None

    def __post_init__(self) -> None:
        if self.nearest is None:
            self.nearest = self.x_adv
        if self.nearest_distance is None:
            found = torch.where(self.success, self.distance, torch.inf)
            self.nearest_distance = torch.where(self.status == Status.MISCLASSIFIED, 0, found)

    @staticmethod
    def join(parts: Sequence[AttackResult], order: Tensor) -> AttackResult:
        """The rows of several results in the given order: row i is row ``order[i]`` of their concatenation."""
        return select(reduce(join, parts), order)

    @property
    def robust(self) -> Tensor:
        """Bool ``(N,)``: correctly classified and not successfully attacked. A misclassified or failed sample is not robust."""
        return (self.status == Status.FAILED) | (self.status == Status.UNCONFIRMED)
