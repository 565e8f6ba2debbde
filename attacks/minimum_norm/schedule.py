"""Half-cosine schedules over the steps of an attack."""

from __future__ import annotations

import math

from torch import Tensor


def cosine(step: Tensor, steps: int, first: float, last: float, like: Tensor) -> Tensor:
    """Half a cosine from `first` at step 0 to `last` after `steps`, in the dtype of `like`. ``(B,)``."""
    return last + (first - last) * (1 + (step.to(like.dtype) * (math.pi / steps)).cos()) / 2


def radius_change(step: Tensor, steps: int, gamma: float | None, like: Tensor) -> Tensor:
    """The relative change of a ball's radius at a step, ``(B,)``: from `gamma` down to 0.001.

    None means ``20 / steps``, at least 0.3 and at most 0.5, which allows the ball to become small enough.
    """
    first = min(max(20 / steps, 0.3), 0.5) if gamma is None else gamma
    return cosine(step, steps, first, min(first, 0.001), like)
