"""Universal adversarial perturbation: one small perturbation for all images (Moosavi-Dezfooli et al., arXiv 1610.08401).

It is found by stochastic gradient ascent over images (Shafahi et al., arXiv 1811.11304), which is simpler and stronger than the
sum of minimal perturbations of the first paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from robustkit.attacks.gradient.apgd_momentum import direction
from robustkit.gradients import is_broken
from robustkit.losses import adversarial_margin
from robustkit.plugin import (
    AttackInfo,
    AttackResult,
    Bounds,
    Fitted,
    Model,
    NormThreat,
    SampleRandom,
    Samples,
    Threat,
    UniversalAttack,
    UsageError,
    judge,
    with_broken_fit,
)
from robustkit.projections import clip


@dataclass(frozen=True, kw_only=True)
class UAP(UniversalAttack):
    """Steepest-ascent steps of decreasing length on the mean capped margin over random batches.

    The margin is that of the best wrong class over the label, or of the target, in logits. The second paper caps the
    cross-entropy instead, whose gradient favours successfully attacked samples, which gives fewer successes on a robust model.

    Parameters
    ----------
    steps
        Number of steps.
    batch
        Images per step.
    step_size
        Length of the first step as a multiple of eps; it decays linearly to almost 0.
    cap
        Margin in logits, above 0, beyond which a sample has no gradient.
    fit_images
        Maximum number of images for fitting.
    """

    steps: int = 200
    batch: int = 64
    step_size: float = 0.1
    cap: float = 5.0

    info: ClassVar[AttackInfo] = AttackInfo(
        name="uap",
        threats=("linf", "l2"),
        knowledge="white-box",
        targeted=True,
        cost="2 forwards, and steps * batch forwards and backwards for each of two fits that all samples share",
        paper="Universal Adversarial Perturbations, arXiv 1610.08401; Universal Adversarial Training, arXiv 1811.11304",
    )

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "fit_images"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name}={getattr(self, name)} must be at least 1")
        for name in ("step_size", "cap"):
            if not getattr(self, name) > 0:
                raise UsageError(f"{name}={getattr(self, name)} must be above 0")

    def fit_to(self, model: Model, samples: Samples, threat: Threat, seed: int) -> Fitted:
        assert isinstance(threat, NormThreat)
        if not len(samples.x):
            raise UsageError("a perturbation cannot be fitted without images: give more, so that both folds contain some")
        model.criterion.check_columns(torch.empty(0, model.num_classes(samples.x[:1])), samples)
        span = model.bounds[1] - model.bounds[0]
        zero = torch.zeros_like(samples.x[:1])
        delta = zero
        broken = torch.zeros((), dtype=torch.int64, device=delta.device)
        with model.frozen(seed), torch.no_grad():
            for step in range(self.steps):
                grad, count = self._gradient(model, samples, delta, step, seed)
                broken += count
                length = self.step_size * threat.eps * (1 - step / self.steps)
                delta = threat.project(zero, delta + length * direction(grad, threat), (-span, span))
        passes = torch.tensor(self.steps * self.batch)
        return {
            "perturbation": delta[0],
            "fit_forwards": passes,
            "fit_backwards": passes.clone(),
            "fit_broken_gradients": broken,
        }

    def _gradient(self, model: Model, samples: Samples, delta: Tensor, step: int, seed: int) -> tuple[Tensor, Tensor]:
        """The gradient ``(1, C, H, W)`` of the mean capped margin over a random batch, and the number of non-finite ones."""
        slots = torch.arange(self.batch, device=delta.device)
        chosen = SampleRandom(seed, self.name).integers(slots, (), len(samples.x), step=step)

        def part(rows: Tensor) -> tuple[Tensor, ...]:
            targets = None if samples.targets is None else samples.targets[rows]

            def capped_margin(logits: Tensor) -> Tensor:
                return adversarial_margin(logits, samples.y[rows], targets).clamp_max(self.cap)

            return model.gradient(samples.x[rows], capped_margin, lambda x: clip(x + delta, model.bounds))

        grad = model.in_chunks(part, chosen, like=samples.x)[2]
        return grad.nan_to_num(0.0, 0.0, 0.0).mean(0, keepdim=True), is_broken(grad).sum()

    def apply_to(self, model: Model, samples: Samples, threat: Threat, fitted: Fitted, seed: int) -> AttackResult:
        delta = checked_perturbation(fitted, samples.x)

        def make(attacked: Samples, num_classes: int) -> Tensor:
            return add(attacked.x, delta, threat, model.bounds)

        return with_broken_fit(fitted, judge(model, samples, threat, make, seed=seed))


def add(x: Tensor, delta: Tensor, threat: Threat, bounds: Bounds) -> Tensor:
    """The images ``(B, C, H, W)`` plus a perturbation ``(C, H, W)``, projected onto the ball and the box."""
    assert isinstance(threat, NormThreat)
    return threat.project(x, x + delta, bounds)


def checked_perturbation(fitted: Fitted, x: Tensor) -> Tensor:
    """The fitted perturbation, with the dtype and device of the images.

    Raises
    ------
    UsageError
        If there is none, or its shape differs from the images'.
    """
    delta = fitted.get("perturbation")
    if delta is None:
        raise UsageError(f"the fit contains {', '.join(sorted(fitted)) or 'nothing'}, but no 'perturbation'")
    if delta.shape != x.shape[1:]:
        raise UsageError(
            f"the perturbation has shape {tuple(delta.shape)}, but the images {tuple(x.shape[1:])}: fit it to images like these"
        )
    return delta.to(x)
