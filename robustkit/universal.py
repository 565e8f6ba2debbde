"""The contract of a universal attack: one perturbation for many images, judged on images it was not made from.

Every sample belongs to one of two folds, by its id alone. The perturbation that a sample meets was fitted on the other fold,
so all samples are judged and none is judged on what it helped to make.
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
"""What a universal attack made: named tensors, such as ``patch`` of shape (C, h, w) in the model's bounds.

``fit_forwards``, ``fit_backwards`` and ``fit_broken_gradients`` say what the fit cost, and how many of its gradients were not
finite.
"""

D = TypeVar("D")


def fold_of(sample_ids: Tensor, seed: int) -> Tensor:
    """The fold of each sample, 0 or 1, int64 ``(N,)``: a coin that depends on the seed and the sample's id alone."""
    return SampleRandom(seed, "fold").integers(sample_ids, (), 2)


def with_broken_fit(fitted: Fitted, result: AttackResult) -> AttackResult:
    """The result, with a zero gradient for every sample if half or more of the fit's gradients were not finite."""
    broken, backwards = (fitted.get(name, torch.tensor(0)) for name in ("fit_broken_gradients", "fit_backwards"))
    if int(broken) and 2 * int(broken) >= int(backwards):
        result.zero_gradients = torch.ones_like(result.zero_gradients)
    return result


@dataclass(frozen=True, kw_only=True)
class UniversalAttack(Attack):
    """An attack that fits one perturbation to some images and applies it to others."""

    #: The most images that `fit` should be given.
    fit_images: int = 256

    @abstractmethod
    def fit_to(self, model: Model, samples: Samples, threat: Threat, seed: int) -> Fitted:
        """Make the perturbation from samples, as they come to `Attack.run`.

        Raises
        ------
        UsageError
            If there are none.
        """

    @abstractmethod
    def apply_to(self, model: Model, samples: Samples, threat: Threat, fitted: Fitted, seed: int) -> AttackResult:
        """Put the perturbation on samples and ask the model; success is verified as for every attack."""

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
        """Make the perturbation from images ``(N, C, H, W)`` and labels ``(N,)``; see `Attack.__call__`."""
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
        """Put what was fitted on images ``(N, C, H, W)`` and ask the model about them; see `Attack.__call__`."""
        return self.apply_to(model, prepare(self, model, x, y, threat, targets, sample_ids), threat, fitted, seed)

    def run(self, model: Model, samples: Samples, threat: Threat, seed: int) -> AttackResult:
        """Fit on each fold, apply to the other. Needs at least two images; see `Attack.run`."""
        folds = [(fold_of(samples.ids, seed) == side).nonzero().squeeze(1) for side in (0, 1)]
        if not all(len(rows) for rows in folds):
            raise UsageError(f"a universal attack needs images to fit on and others to judge by; {len(samples)} are too few")
        parts = []
        for judged, made_from in (folds, folds[::-1]):
            fitted = self.fit_to(model, samples.rows(made_from[: self.fit_images]), threat, seed)
            parts.append(self.apply_to(model, samples.rows(judged), threat, fitted, seed))
        return AttackResult.join(parts, torch.cat(folds).argsort())
