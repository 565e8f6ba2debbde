"""Base class of universal stickers: one texture for all images, evaluated at each image's own placements."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from robustkit.attacks.physical.places import Places, Trial
from robustkit.plugin import (
    AttackResult,
    Fitted,
    Model,
    PatchThreat,
    Samples,
    Threat,
    UniversalAttack,
    UsageError,
    with_broken_fit,
)
from robustkit.rendering import cutout


@dataclass(frozen=True, kw_only=True)
class Sticker(Places, UniversalAttack):
    """A universal attack whose perturbation is a patch.

    Parameters
    ----------
    placements, rotation, scale, brightness
        As in `Places`.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.fit_images < 1:
            raise UsageError(f"fit_images={self.fit_images} must be at least 1")

    def apply_to(self, model: Model, samples: Samples, threat: Threat, fitted: Fitted, seed: int) -> AttackResult:
        trial = Trial(
            texture=checked_patch(fitted, samples.x),
            placements=self.placements,
            rotation=self.rotation,
            scale=self.scale,
            brightness=self.brightness,
        )
        return with_broken_fit(fitted, trial.run(model, samples, threat, seed))


def checked_patch(fitted: Fitted, x: Tensor) -> Tensor:
    """The fitted patch, with the dtype and device of the images.

    Raises
    ------
    UsageError
        If there is none, or its number of channels differs from the images'.
    """
    if "patch" not in fitted:
        raise UsageError(f"the fit contains {', '.join(sorted(fitted)) or 'nothing'}, but no 'patch': fit a sticker first")
    patch = fitted["patch"]
    if patch.ndim != 3 or len(patch) != x.shape[1]:
        raise UsageError(
            f"the patch has shape {tuple(patch.shape)}, but the images have {x.shape[1]} channels: expected "
            f"({x.shape[1]}, height, width), so fit it to images like these"
        )
    return patch.to(x)


def fitted_patch(patch: Tensor, threat: PatchThreat, forwards: int = 0, backwards: int = 0, broken: int = 0) -> Fitted:
    """A patch with its alpha mask, and the numbers of passes (one per image) and of non-finite gradients of the fit."""
    return {
        "patch": patch,
        "alpha": cutout(threat.shape),
        "fit_forwards": torch.tensor(forwards),
        "fit_backwards": torch.tensor(backwards),
        "fit_broken_gradients": torch.tensor(broken),
    }
