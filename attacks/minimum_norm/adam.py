"""Adam's moments (Kingma and Ba, arXiv 1412.6980), one row per sample, for samples at different steps."""

from __future__ import annotations

import math

from torch import Tensor

from robustkit.plugin import per_sample


def moments(mean: Tensor, square: Tensor, grad: Tensor, step: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Update the running means of gradients and squared gradients, and return them with the terms of the step.

    Parameters
    ----------
    mean, square
        ``(B, ...)``: the running means so far; zeros at step 0.
    grad
        ``(B, ...)``.
    step
        ``(B,)``: number of previous gradients.

    Returns
    -------
    The new `mean` and `square`, and the numerator and denominator of a step with learning rate 1.
    """
    mean = 0.9 * mean + 0.1 * grad
    square = 0.999 * square + 0.001 * grad.square()
    count = per_sample((step + 1).to(grad.dtype), grad)
    # Powers by exp: the rounding of torch's power can depend on the position in a tensor, hence on the batch.
    denominator = (square / (1 - (count * math.log(0.999)).exp())).sqrt() + 1e-8
    return mean, square, mean / (1 - (count * math.log(0.9)).exp()), denominator
