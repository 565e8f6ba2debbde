"""Base class of stickers: their placement and evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from robustkit.plugin import (
    AttackResult,
    Fitted,
    Model,
    PatchThreat,
    SampleRandom,
    Samples,
    Threat,
    UniversalAttack,
    UsageError,
    judge,
    with_broken_fit,
)
from robustkit.rendering import PlacementRange, cutout, render


@dataclass(frozen=True, kw_only=True)
class Sticker(UniversalAttack):
    """A universal attack whose perturbation is a patch, placed once per sample at random.

    Placements depend only on the seed, the sample id and these three parameters, so stickers are compared at the same ones.

    Parameters
    ----------
    rotation
        Maximum rotation in either direction, in degrees, 0 to 180.
    scale
        Minimum size, as a fraction of the maximum allowed by the threat, in (0, 1].
    brightness
        Maximum relative change of the sticker's brightness in either direction, in [0, 1).
    """

    rotation: float = 20.0
    scale: float = 0.8
    brightness: float = 0.1

    random_placement: ClassVar[str] = "sticker"

    def __post_init__(self) -> None:
        if not 0 <= self.rotation <= 180:
            raise UsageError(f"rotation={self.rotation} must be between 0 and 180 degrees")
        if not 0 < self.scale <= 1:
            raise UsageError(f"scale={self.scale} must be above 0 and at most 1, a fraction of the maximum size")
        if not 0 <= self.brightness < 1:
            raise UsageError(f"brightness={self.brightness} must be at least 0 and below 1")
        if self.fit_images < 1:
            raise UsageError(f"fit_images={self.fit_images} must be at least 1")

    @property
    def placements(self) -> PlacementRange:
        """The range of placements."""
        return PlacementRange(rotation=self.rotation, scale=self.scale, brightness=self.brightness)

    def apply_to(self, model: Model, samples: Samples, threat: Threat, fitted: Fitted, seed: int) -> AttackResult:
        assert isinstance(threat, PatchThreat)
        patch = checked_patch(fitted, samples.x)

        def make(attacked: Samples, num_classes: int) -> Tensor:
            return self._put_on(model, attacked, threat, patch, seed)

        return with_broken_fit(fitted, judge(model, samples, threat, make, seed=seed))

    def _put_on(self, model: Model, samples: Samples, threat: PatchThreat, patch: Tensor, seed: int) -> Tensor:
        random = SampleRandom(seed, self.random_placement)
        rows = torch.arange(len(samples.x), device=samples.x.device)

        def part(rows: Tensor) -> Tensor:
            x = samples.x[rows]
            placement = self.placements.draw(threat, x, samples.ids[rows], random)
            return render(x, patch, threat.shape, placement, model.bounds)[0]

        chunk = model.chunk_size(samples.x)
        return torch.cat([part(rows[start : start + chunk]) for start in range(0, len(rows), chunk)])


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
