"""Control for patches: the effect of covering part of the image with a sticker that is not optimised for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from robustkit.attacks.physical.fills import filled
from robustkit.attacks.physical.patch import Patch
from robustkit.attacks.physical.sticker import Sticker, fitted_patch
from robustkit.plugin import AttackInfo, Fitted, Knowledge, Model, PatchThreat, Samples, Threat


@dataclass(frozen=True, kw_only=True)
class PatchControl(Sticker):
    """A sticker with the threat's area and shape, at the placements that the attacks try.

    Parameters
    ----------
    fill
        ``grey``, ``black``, ``white``, ``random``: independent for every texel and channel, but the same for all images; or
        ``mirrored``: the sticker that `patch` fits, which has its colours and shapes, from right to left.
    placements, rotation, scale, brightness
        Where it is tried, as for `patch`.
    fit_images
        Maximum number of images for fitting the sticker that is mirrored.
    """

    fill: Literal["grey", "black", "white", "random", "mirrored"] = "grey"

    info: ClassVar[AttackInfo] = AttackInfo(
        name="patch-control",
        threats=("patch",),
        knowledge="decision",
        targeted=True,
        cost="placements + 1 forwards; mirrored: and the two fits of patch",
        paper="Control for Adversarial Patch, arXiv 1712.09665",
        control=True,
    )

    @property
    def knowledge(self) -> Knowledge:
        return "white-box" if self.fill == "mirrored" else self.info.knowledge

    def fit_to(self, model: Model, samples: Samples, threat: Threat, seed: int) -> Fitted:
        assert isinstance(threat, PatchThreat)
        if self.fill != "mirrored":
            return fitted_patch(filled(self.fill, threat, samples.x, model.bounds, seed), threat)
        fitted = Patch(fit_images=self.fit_images, rotation=self.rotation, scale=self.scale, brightness=self.brightness).fit_to(
            model, samples, threat, seed
        )
        return {**fitted, "patch": fitted["patch"].flip(2)}
