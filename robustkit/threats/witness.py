"""Witnesses, the parameters that images were rendered from, and comparison with images rendered again."""

from __future__ import annotations

import torch
from torch import Tensor

from robustkit.errors import AttackError
from robustkit.projections import Bounds
from robustkit.threats.norm import in_box

ROUNDINGS = 64  #: maximum number of roundings of a pixel in a transformation


def rounding(x: Tensor, bounds: Bounds) -> float:
    """The maximum change of a pixel of images like `x` by rounding in a transformation."""
    return ROUNDINGS * torch.finfo(x.dtype).eps * max(abs(bounds[0]), abs(bounds[1]), bounds[1] - bounds[0])


def shows(x_adv: Tensor, rendered: Tensor, bounds: Bounds) -> Tensor:
    """Whether each image is within bounds and equals the rendered one up to rounding; false for NaN. Bool ``(B,)``."""
    missed = (rendered - x_adv).abs().flatten(1).amax(1)
    return in_box(x_adv, bounds) & (missed <= rounding(x_adv, bounds))


def is_clean(x: Tensor, x_adv: Tensor, bounds: Bounds) -> Tensor:
    """Whether each image is the clean one, which is inside every threat. Bool ``(B,)``."""
    return in_box(x_adv, bounds) & (x_adv == x).flatten(1).all(1)


def checked_witness(witness: Tensor, x: Tensor, parameters: int) -> Tensor:
    """The witness, ``(B, P)`` on the device of `x`.

    Raises
    ------
    AttackError
        If it has another shape.
    """
    if witness.shape != (len(x), parameters):
        raise AttackError(
            f"the attack's witness has shape {tuple(witness.shape)}; expected ({len(x)}, {parameters}), one row per image"
        )
    return witness.to(x.device)
