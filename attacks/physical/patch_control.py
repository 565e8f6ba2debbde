"""Stickers that were not optimised: what covering a part of the image does by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch

from robustkit.attacks.physical.sticker import Sticker, made
from robustkit.plugin import AttackInfo, Fitted, Model, PatchThreat, SampleRandom, Samples, Threat
from robustkit.rendering import blank_patch

Fill = Literal["grey", "black", "white", "random"]


@dataclass(frozen=True, kw_only=True)
class PatchControl(Sticker):
    """A sticker of the threat's area and shape in one colour, or in random ones, at the placements of `patch`.

    Parameters
    ----------
    fill
        ``grey``, ``black``, ``white``, or ``random``: every texel and channel on its own, the same sticker for all images.
    rotation, scale, brightness
        The circumstances it is shown in, as for `patch`.
    fit_images
        Without meaning here: nothing is fitted.
    """

    fill: Fill = "grey"

    info: ClassVar[AttackInfo] = AttackInfo(
        name="patch-control",
        threats=("patch",),
        knowledge="decision",
        targeted=True,
        cost="2 forwards",
        paper="Control for Adversarial Patch, arXiv 1712.09665",
        control=True,
    )

    def fit_to(self, model: Model, samples: Samples, threat: Threat, seed: int) -> Fitted:
        assert isinstance(threat, PatchThreat)
        low, high = model.bounds
        patch = blank_patch(threat, samples.x, model.bounds)
        match self.fill:
            case "black":
                patch = torch.full_like(patch, low)
            case "white":
                patch = torch.full_like(patch, high)
            case "random":
                one = torch.zeros(1, dtype=torch.int64, device=patch.device)
                draw = SampleRandom(seed, self.name).uniform(one, patch.shape, dtype=patch.dtype)[0]
                patch = low + (high - low) * draw
        return made(patch, threat)
