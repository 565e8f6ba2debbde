"""Adam's moments (Kingma and Ba, arXiv 1412.6980), one row a sample, for samples that are at different steps."""

from __future__ import annotations

import math

from torch import Tensor

from robustkit.plugin import per_sample


def moments(mean: Tensor, square: Tensor, grad: Tensor, step: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The running means of gradients and of their squares after one more gradient, and what a step is made of.

    Parameters
    ----------
    mean, square
        ``(B, ...)``: the running means so far; zeros at step 0.
    grad
        ``(B, ...)``.
    step
        ``(B,)``: gradients that came before.

    Returns
    -------
    The new `mean` and `square`, and numerator and denominator of a step of rate 1.
    """
    mean = 0.9 * mean + 0.1 * grad
    square = 0.999 * square + 0.001 * grad.square()
    count = per_sample((step + 1).to(grad.dtype), grad)
    # Powers by exp, since a tensor's power may round differently at its end: the batch must not matter.
    denominator = (square / (1 - (count * math.log(0.999)).exp())).sqrt() + 1e-8
    return mean, square, mean / (1 - (count * math.log(0.9)).exp()), denominator
