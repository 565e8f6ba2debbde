"""Control for patches: the effect of covering part of the image with a sticker that is not optimised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from robustkit.attacks.physical.sticker import Sticker, fitted_patch
from robustkit.plugin import AttackInfo, Bounds, Fitted, Model, PatchThreat, SampleRandom, Samples, Threat
from robustkit.rendering import blank_patch

Fill = Literal["grey", "black", "white", "random"]


@dataclass(frozen=True, kw_only=True)
class PatchControl(Sticker):
    """A sticker with the threat's area and shape, in one colour or random colours, at the same placements as `patch`.

    Parameters
    ----------
    fill
        ``grey``, ``black``, ``white``, or ``random``: independent for every texel and channel, but the same for all images.
    placements, rotation, scale, brightness
        Where it is tried, as for `patch`.
    fit_images
        Ignored, because nothing is fitted.
    """

    fill: Fill = "grey"

    info: ClassVar[AttackInfo] = AttackInfo(
        name="patch-control",
        threats=("patch",),
        knowledge="decision",
        targeted=True,
        cost="placements + 1 forwards",
        paper="Control for Adversarial Patch, arXiv 1712.09665",
        control=True,
    )

    def fit_to(self, model: Model, samples: Samples, threat: Threat, seed: int) -> Fitted:
        assert isinstance(threat, PatchThreat)
        return fitted_patch(filled(self.fill, threat, samples.x, model.bounds, seed), threat)


def filled(fill: Fill, threat: PatchThreat, images: Tensor, bounds: Bounds, seed: int) -> Tensor:
    """A texture ``(C, h, w)`` in one colour, or in random colours."""
    low, high = bounds
    patch = blank_patch(threat, images, bounds)
    match fill:
        case "grey":
            return patch
        case "black":
            return torch.full_like(patch, low)
        case "white":
            return torch.full_like(patch, high)
        case "random":
            one = torch.zeros(1, dtype=torch.int64, device=patch.device)
            draw = SampleRandom(seed, "patch-control").uniform(one, patch.shape, dtype=patch.dtype)[0]
            return low + (high - low) * draw
