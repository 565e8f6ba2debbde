"""Universal adversarial patch: one sticker for all images (Brown et al., arXiv 1712.09665)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from robustkit.attacks.physical.fills import FILLS, filled
from robustkit.attacks.physical.sticker import Sticker, fitted_patch
from robustkit.gradients import is_broken
from robustkit.losses import adversarial_margin
from robustkit.plugin import AttackInfo, Fitted, Model, PatchThreat, SampleRandom, Samples, Threat, UsageError
from robustkit.rendering import render


@dataclass(frozen=True, kw_only=True)
class Patch(Sticker):
    """Adam on the sticker's texels, maximising a smooth count of successes over random images and placements, drawn anew in every
    step (EOT).

    The count is the mean sigmoid of the margin of the best wrong class over the label, or of the target, in units of its mean size at
    the start: neither samples that are successfully attacked nor hopeless ones dominate. The search starts from the plain sticker that
    works best on the images to fit on, and returns none that works worse there. If targeted, one sticker is optimised for all given
    targets together; the paper uses one target for all images.

    Parameters
    ----------
    steps
        Number of optimiser steps.
    batch
        Images per step.
    learning_rate
        Adam's first learning rate, as a fraction of the bounds' width; it decays linearly.
    placements, rotation, scale, brightness
        Where it is tried, and the range from which placements are drawn in the fit; see `Places`.
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
        cost="placements + 1 forwards, and for each of two fits that all samples share steps * batch forwards and backwards and "
        "5 forwards for each image to fit on",
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
        broken = torch.zeros((), dtype=torch.int64, device=samples.x.device)
        with model.frozen(seed), torch.no_grad():
            plain = [filled(fill, threat, samples.x, model.bounds, seed) for fill in FILLS]
            margins = [self._margins(model, samples, threat, patch, seed) for patch in plain]
            found = [int((margin > 0).sum()) for margin in margins]
            best = found.index(max(found))
            patch, unit = plain[best].clone(), float(margins[best].abs().mean()) or 1.0
            adam = torch.optim.Adam([patch], lr=self.learning_rate * (high - low), eps=1e-12, maximize=True)
            for step in range(self.steps):
                adam.param_groups[0]["lr"] = self.learning_rate * (high - low) * (1 - step / self.steps)
                patch.grad, count = self._gradient(model, samples, threat, patch, unit, step, seed)
                broken += count
                adam.step()
                patch.clamp_(low, high)
            patch.grad = None
            if int((self._margins(model, samples, threat, patch, seed) > 0).sum()) < max(found):
                patch = plain[best]
        passes = self.steps * self.batch
        return fitted_patch(patch, threat, passes + (len(FILLS) + 1) * len(samples.x), passes, int(broken))

    def _margins(self, model: Model, samples: Samples, threat: PatchThreat, patch: Tensor, seed: int) -> Tensor:
        """The finite margins ``(N,)`` of the attacker under a sticker, at one placement in each image to fit on."""
        random = SampleRandom(seed, self.name)

        def part(rows: Tensor) -> tuple[Tensor, ...]:
            chosen = samples.rows(rows)
            placement = self.range.draw(threat, chosen.x, chosen.ids, random, self.steps)
            shown, _ = render(chosen.x, patch, threat.shape, placement, model.bounds)
            return (adversarial_margin(model(shown), chosen.y, chosen.targets),)

        (margin,) = model.in_chunks(part, torch.arange(len(samples.x), device=patch.device), like=samples.x)
        return margin.nan_to_num()

    def _gradient(
        self, model: Model, samples: Samples, threat: PatchThreat, patch: Tensor, unit: float, step: int, seed: int
    ) -> tuple[Tensor, Tensor]:
        """The gradient of the smooth count over a random batch and random placements with respect to the patch.

        Also returns how many of the images' gradients were not finite.
        """
        random = SampleRandom(seed, self.name)
        slots = torch.arange(self.batch, device=patch.device)
        rows = random.integers(slots, (), len(samples.x), step=step, stream="images")
        chosen = samples.rows(rows)
        placement = self.range.draw(threat, chosen.x, slots, random, step)
        with torch.enable_grad():
            leaf = patch.detach().requires_grad_()
            patched, _ = render(chosen.x, leaf, threat.shape, placement, model.bounds)

        def part(slots: Tensor) -> tuple[Tensor, ...]:
            targets = None if chosen.targets is None else chosen.targets[slots]

            def smooth_success(logits: Tensor) -> Tensor:
                return torch.sigmoid(adversarial_margin(logits, chosen.y[slots], targets) / unit)

            return model.gradient(patched[slots], smooth_success)

        grad = model.in_chunks(part, slots, like=chosen.x)[2]
        (total,) = torch.autograd.grad(patched, leaf, grad / self.batch)
        return total.nan_to_num(0.0, 0.0, 0.0), is_broken(grad).sum()
