"""The options of training, which include everything that can change the weights; checked before training starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from robustkit.errors import UsageError, did_you_mean
from robustkit.rng import check_seed

Optimizer = Literal["adamw", "sgd"]
Schedule = Literal["cosine", "cyclic", "constant"]
Precision = Literal["32-true", "bf16-mixed", "bf16-true", "16-mixed", "64-true"]


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """The options of a training run.

    Parameters
    ----------
    epochs
        Passes over the training images.
    batch_size
        Images per step on each device.
    lr
        Peak learning rate; None for 1e-3 with adamw and 0.1 with sgd.
    weight_decay
        Decoupled for adamw, an L2 penalty for sgd.
    optimizer
        ``adamw``, or ``sgd`` with Nesterov momentum 0.9.
    schedule
        ``cosine`` (after a linear warm-up over the first tenth), ``cyclic`` (linear increase and decrease, as in
        arXiv 2001.03994) or ``constant``.
    augment
        Random augmentation of training images: ``flip``, ``crop``, both, or none.
    ema
        Decay of an exponential moving average of the weights, which is then validated and saved; None for no average.
    seed
        Seed of the initial weights, the order, augmentation, dropout and attacks.
    precision
        In Lightning Fabric's notation: ``32-true``, ``bf16-mixed``, ``bf16-true``, ``16-mixed``, ``64-true``.
    robust_limit
        Maximum number of validation images attacked after each epoch.
    """

    epochs: int = 10
    batch_size: int = 128
    lr: float | None = None
    weight_decay: float = 5e-4
    optimizer: Optimizer = "adamw"
    schedule: Schedule = "cosine"
    augment: tuple[str, ...] = ()
    ema: float | None = None
    seed: int = 0
    precision: Precision = "32-true"
    robust_limit: int = 1000

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "robust_limit"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name}={getattr(self, name)} must be at least 1")
        check_seed(self.seed)
        if self.lr is not None and not self.lr > 0:
            raise UsageError(f"lr={self.lr} must be above 0")
        if not self.weight_decay >= 0:
            raise UsageError(f"weight_decay={self.weight_decay} must be at least 0")
        if self.ema is not None and not 0 < self.ema < 1:
            raise UsageError(f"ema={self.ema} must be a decay between 0 and 1, such as 0.998")
        for value, kind in ((self.optimizer, Optimizer), (self.schedule, Schedule), (self.precision, Precision)):
            if value not in get_args(kind):
                raise UsageError(f"{value!r} is unknown: {did_you_mean(value, get_args(kind))}")
        for change in self.augment:
            if change not in ("flip", "crop"):
                raise UsageError(f"augmentation {change!r} is unknown: {did_you_mean(change, ('flip', 'crop'))}")

    @property
    def peak_lr(self) -> float:
        """The peak learning rate."""
        return self.lr if self.lr is not None else {"adamw": 1e-3, "sgd": 0.1}[self.optimizer]
