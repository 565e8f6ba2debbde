"""The contract of a universal attack: one perturbation for many images, evaluated on images it was not fitted on.

Every sample belongs to one of two folds, by its id and the seed. The perturbation applied to a sample was fitted on the other
fold, so all samples are evaluated, and none on a perturbation that was fitted on it.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, TypeVar, final

import torch
from torch import Tensor

from robustkit.contracts.attack import Attack, prepare
from robustkit.contracts.model import Model
from robustkit.contracts.result import AttackResult
from robustkit.contracts.samples import Samples
from robustkit.errors import UsageError
from robustkit.rng import SampleRandom
from robustkit.threats import Threat

Fitted = dict[str, Tensor]
"""The fitted perturbation of a universal attack: named tensors, such as ``patch`` of shape (C, h, w) in the model's bounds.

``fit_forwards``, ``fit_backwards`` and ``fit_broken_gradients`` are the passes of the fit and its number of non-finite gradients.
"""

D = TypeVar("D")


def fold_of(sample_ids: Tensor, seed: int) -> Tensor:
    """The fold of each sample, 0 or 1, int64 ``(N,)``: drawn from the seed and the sample's id alone."""
    return SampleRandom(seed, "fold").integers(sample_ids, (), 2)


def with_broken_fit(fitted: Fitted, result: AttackResult) -> AttackResult:
    """The result, with one zero gradient counted for every sample if at least half of the fit's gradients were not finite."""
    broken, backwards = (fitted.get(name, torch.tensor(0)) for name in ("fit_broken_gradients", "fit_backwards"))
    if int(broken) and 2 * int(broken) >= int(backwards):
        result.zero_gradients = torch.ones_like(result.zero_gradients)
    return result


@dataclass(frozen=True, kw_only=True)
class UniversalAttack(Attack):
    """An attack that fits one perturbation to some images and applies it to others."""

    #: Maximum number of images to fit on.
    fit_images: int = 256

    @abstractmethod
    def fit_to(self, model: Model, samples: Samples, threat: Threat, seed: int) -> Fitted:
        """The perturbation fitted on samples that are prepared as for `Attack.run`.

        Raises
        ------
        UsageError
            If there are no samples.
        """

    @abstractmethod
    def apply_to(self, model: Model, samples: Samples, threat: Threat, fitted: Fitted, seed: int) -> AttackResult:
        """The verified result of applying the perturbation to samples."""

    @final
    def fit(
        self,
        model: Model,
        x: Tensor,
        y: Any,
        threat: Threat,
        *,
        targets: Any = None,
        sample_ids: Tensor | None = None,
        seed: int = 0,
    ) -> Fitted:
        """The perturbation fitted on images ``(N, C, H, W)`` and labels ``(N,)``; see `Attack.__call__`."""
        return self.fit_to(model, prepare(self, model, x, y, threat, targets, sample_ids), threat, seed)

    @final
    def apply(
        self,
        model: Model,
        x: Tensor,
        y: Any,
        threat: Threat,
        fitted: Fitted,
        *,
        targets: Any = None,
        sample_ids: Tensor | None = None,
        seed: int = 0,
    ) -> AttackResult:
        """The verified result of applying a fitted perturbation to images ``(N, C, H, W)``; see `Attack.__call__`."""
        return self.apply_to(model, prepare(self, model, x, y, threat, targets, sample_ids), threat, fitted, seed)

    def run(self, model: Model, samples: Samples, threat: Threat, seed: int) -> AttackResult:
        """The result of fitting on each fold and applying to the other. Needs images in both folds; see `Attack.run`."""
        folds = [(fold_of(samples.ids, seed) == side).nonzero().squeeze(1) for side in (0, 1)]
        if not all(len(rows) for rows in folds):
            raise UsageError(f"a universal attack needs images to fit on and others to evaluate on; {len(samples)} are too few")
        parts = []
        for judged, made_from in (folds, folds[::-1]):
            fitted = self.fit_to(model, samples.rows(made_from[: self.fit_images]), threat, seed)
            parts.append(self.apply_to(model, samples.rows(judged), threat, fitted, seed))
        return AttackResult.join(parts, torch.cat(folds).argsort())
