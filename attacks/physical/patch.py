"""Universal adversarial patch: one sticker for all images (Brown et al., arXiv 1712.09665)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from robustkit.attacks.physical.sticker import Sticker, fitted_patch
from robustkit.gradients import is_broken
from robustkit.losses import cross_entropy, cross_entropy_targeted
from robustkit.plugin import AttackInfo, Fitted, Model, PatchThreat, SampleRandom, Samples, Threat, UsageError
from robustkit.rendering import blank_patch, render


@dataclass(frozen=True, kw_only=True)
class Patch(Sticker):
    """Adam on the sticker's texels, maximising the cross-entropy of the label or the log-probability of the target.

    The expectation is over images, location, rotation, scale and brightness, drawn anew in every step (EOT). If targeted, one
    sticker is optimised for all given targets together; the paper uses one target for all images.

    Parameters
    ----------
    steps
        Number of optimiser steps.
    batch
        Images per step.
    learning_rate
        Adam's learning rate, as a fraction of the bounds' width.
    placements, rotation, scale, brightness
        Where it is tried, and from where the placements in the fit are drawn; see `Places`.
    fit_images
        Maximum number of images for fitting.
    """

    steps: int = 200
    batch: int = 64
    learning_rate: float = 0.1

    info: ClassVar[AttackInfo] = AttackInfo(
        name="patch",
        threats=("patch",),
        knowledge="white-box",
        targeted=True,
        cost="placements + 1 forwards, and steps * batch forwards and backwards for each of two fits that all samples share",
        paper="Adversarial Patch, arXiv 1712.09665",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.steps < 1:
            raise UsageError(f"steps={self.steps} must be at least 1")
        if self.batch < 1:
            raise UsageError(f"batch={self.batch} must be at least 1 image")
        if not self.learning_rate > 0:
            raise UsageError(f"learning_rate={self.learning_rate} must be above 0")

    def fit_to(self, model: Model, samples: Samples, threat: Threat, seed: int) -> Fitted:
        assert isinstance(threat, PatchThreat)
        if not len(samples.x):
            raise UsageError("a patch cannot be fitted without images: give more, so that both folds contain some")
        model.criterion.check_columns(torch.empty(0, model.num_classes(samples.x[:1])), samples)
        low, high = model.bounds
        patch = blank_patch(threat, samples.x, model.bounds)
        adam = torch.optim.Adam([patch], lr=self.learning_rate * (high - low), eps=1e-12, maximize=True)
        broken = torch.zeros((), dtype=torch.int64, device=patch.device)
        with model.frozen(seed), torch.no_grad():
            for step in range(self.steps):
                patch.grad, count = self._gradient(model, samples, threat, patch, step, seed)
                broken += count
                adam.step()
                patch.clamp_(low, high)
        patch.grad = None
        passes = self.steps * self.batch
        return fitted_patch(patch, threat, passes, passes, int(broken))

    def _gradient(
        self, model: Model, samples: Samples, threat: PatchThreat, patch: Tensor, step: int, seed: int
    ) -> tuple[Tensor, Tensor]:
        """The gradient of the mean loss over a random batch and random placements with respect to the patch.

        Also returns how many of the images' gradients were not finite.
        """
        random = SampleRandom(seed, self.name)
        slots = torch.arange(self.batch, device=patch.device)
        rows = random.integers(slots, (), len(samples.x), step=step, stream="images")
        x, wanted = samples.x[rows], (samples.y if samples.targets is None else samples.targets)[rows]
        objective = cross_entropy if samples.targets is None else cross_entropy_targeted
        placement = self.range.draw(threat, x, slots, random, step)
        with torch.enable_grad():
            leaf = patch.detach().requires_grad_()
            patched, _ = render(x, leaf, threat.shape, placement, model.bounds)

        def part(rows: Tensor) -> tuple[Tensor, ...]:
            return model.gradient(patched[rows], lambda logits: objective(logits, wanted[rows]))

        grad = model.in_chunks(part, slots, like=x)[2]
        (total,) = torch.autograd.grad(patched, leaf, grad / self.batch)
        return total.nan_to_num(0.0, 0.0, 0.0), is_broken(grad).sum()
