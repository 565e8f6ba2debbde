"""How quantities fall over an attack's steps, along half a cosine."""

from __future__ import annotations

import math

from torch import Tensor


def cosine(step: Tensor, steps: int, first: float, last: float, like: Tensor) -> Tensor:
    """From `first` at step 0 towards `last` after `steps`, in the floating type of `like`. ``(B,)``."""
    return last + (first - last) * (1 + (step.to(like.dtype) * (math.pi / steps)).cos()) / 2


def radius_change(step: Tensor, steps: int, gamma: float | None, like: Tensor) -> Tensor:
    """The share by which a ball's radius changes at a step, ``(B,)``: from `gamma` down to 0.001.

    None takes ``20 / steps``, at least 0.3 and at most 0.5: the ball can then shrink to any size that matters.
    """
    first = min(max(20 / steps, 0.3), 0.5) if gamma is None else gamma
    return cosine(step, steps, first, min(first, 0.001), like)
