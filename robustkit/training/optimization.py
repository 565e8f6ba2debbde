"""Optimizers and learning rates. The rate depends only on the step, so there is no scheduler state to restore."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import nn

from robustkit.errors import UsageError
from robustkit.training.options import Schedule, TrainingOptions


def build_optimizer(parameters: Iterable[nn.Parameter], options: TrainingOptions) -> torch.optim.Optimizer:
    """The optimizer of a run for the trainable parameters.

    Raises
    ------
    UsageError
        If there are no parameters.
    """
    learned = list(parameters)
    if not learned:
        raise UsageError("the network has no parameters to train: use another network, or freeze fewer parts")
    rate, decay = options.peak_lr, options.weight_decay
    if options.optimizer == "adamw":
        return torch.optim.AdamW(learned, lr=rate, weight_decay=decay)
    return torch.optim.SGD(learned, lr=rate, momentum=0.9, nesterov=True, weight_decay=decay)


def learning_rate(schedule: Schedule, peak: float, step: int, total: int) -> float:
    """The learning rate at a step, counted from 0, of `total` steps."""
    part = (step + 1) / (total + 1)
    match schedule:
        case "cosine":
            warm = 0.1
            return peak * (part / warm if part < warm else 0.5 * (1 + math.cos(math.pi * (part - warm) / (1 - warm))))
        case "cyclic":
            top = 0.4
            return peak * (part / top if part < top else (1 - part) / (1 - top))
        case "constant":
            return peak
