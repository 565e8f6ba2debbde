"""What stickers have in common, whatever is printed on them: where they are put, and how they are judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from robustkit.contract import AttackResult, Prepared, Status, is_adversarial, prepare
from robustkit.engine import check_classes
from robustkit.errors import UsageError
from robustkit.model import Model
from robustkit.rendering import PlacementRange, cutout, render
from robustkit.rng import SampleRandom
from robustkit.threats import PatchThreat, Threat
from robustkit.universal import Fitted, UniversalAttack


@dataclass(frozen=True, kw_only=True)
class Sticker(UniversalAttack):
    """A universal attack whose perturbation is a patch, shown once a sample in circumstances drawn by its id.

    The draw depends on the seed and these three parameters alone, so stickers are compared at the same placements.

    Parameters
    ----------
    rotation
        Largest turn either way, in degrees, 0 to 180.
    scale
        Least size, as a share of the largest that the threat admits, in (0, 1].
    brightness
        Largest change of the sticker's light either way, as a share, in [0, 1).
    """

    rotation: float = 20.0
    scale: float = 0.8
    brightness: float = 0.1

    random_placement: ClassVar[str] = "sticker"

    def __post_init__(self) -> None:
        if not 0 <= self.rotation <= 180:
            raise UsageError(f"rotation={self.rotation} must be 0 to 180 degrees")
        if not 0 < self.scale <= 1:
            raise UsageError(f"scale={self.scale} must be above 0 and at most 1, the largest size that the threat admits")
        if not 0 <= self.brightness < 1:
            raise UsageError(f"brightness={self.brightness} must be from 0 to below 1")
        if self.fit_images < 1:
            raise UsageError(f"fit_images={self.fit_images} must be at least 1")

    @property
    def circumstances(self) -> PlacementRange:
        """What the sticker must work in."""
        return PlacementRange(rotation=self.rotation, scale=self.scale, brightness=self.brightness)

    def apply(
        self,
        model: Model,
        x: Tensor,
        y: Tensor,
        threat: Threat,
        fitted: Fitted,
        *,
        targets: Tensor | None = None,
        sample_ids: Tensor | None = None,
        seed: int = 0,
    ) -> AttackResult:
        samples = prepare(self, model, x, y, threat, targets, sample_ids)
        assert isinstance(threat, PatchThreat)
        patch = checked_patch(fitted, samples.x)
        with model.frozen(seed), torch.no_grad():
            clean = model.logits(samples.x)
            check_classes(model, samples, clean.shape[1])
            status = torch.full_like(samples.y, int(Status.FAILED))
            status[clean.argmax(1) != samples.y] = int(Status.MISCLASSIFIED)
            status[~clean.isfinite().all(1)] = int(Status.ERROR)
            rows = (status == Status.FAILED).nonzero().squeeze(1)
            logits, x_adv = clean.clone(), samples.x.clone()
            if len(rows):
                x_adv[rows] = self._put_on(model, samples, rows, threat, patch, seed)
                logits[rows] = model.logits(x_adv[rows])
                status[rows] = judge(model, samples, rows, threat, x_adv[rows], logits[rows])
        forwards = torch.ones_like(samples.y).index_fill(0, rows, 2)
        found = status == Status.FOUND
        return AttackResult(
            x_adv=x_adv,
            success=found,
            distance=threat.distance(samples.x, x_adv),
            forwards=forwards,
            backwards=torch.zeros_like(forwards),
            first_success_step=torch.where(found, 0, -1),
            status=status,
            reported=found.clone(),
            logits=logits,
            zero_gradients=torch.zeros_like(forwards),
        )

    def _put_on(self, model: Model, samples: Prepared, rows: Tensor, threat: PatchThreat, patch: Tensor, seed: int) -> Tensor:
        random = SampleRandom(seed, self.random_placement)

        def part(rows: Tensor) -> Tensor:
            x = samples.x[rows]
            placement = self.circumstances.draw(threat, x, samples.sample_ids[rows], random)
            return render(x, patch, threat.shape, placement, model.bounds)[0]

        chunk = model.chunk_size(samples.x)
        return torch.cat([part(rows[start : start + chunk]) for start in range(0, len(rows), chunk)])


def judge(model: Model, samples: Prepared, rows: Tensor, threat: Threat, x_adv: Tensor, logits: Tensor) -> Tensor:
    """The status of samples whose clean image was classified rightly, from the model's answer about the patched one."""
    targets = None if samples.targets is None else samples.targets[rows]
    hit = is_adversarial(logits, samples.y[rows], targets) & threat.contains(samples.x[rows], x_adv, model.bounds)
    status = torch.where(hit, int(Status.FOUND), int(Status.FAILED))
    return torch.where(logits.isfinite().all(1), status, int(Status.ERROR))


def checked_patch(fitted: Fitted, x: Tensor) -> Tensor:
    """The patch in what was fitted, in the type and on the device of the images.

    Raises
    ------
    UsageError
        If there is none, or it has other channels than the images.
    """
    if "patch" not in fitted:
        raise UsageError(f"what was fitted holds {', '.join(sorted(fitted)) or 'nothing'}, but no 'patch': fit a sticker first")
    patch = fitted["patch"]
    if patch.ndim != 3 or len(patch) != x.shape[1]:
        raise UsageError(
            f"the patch has shape {tuple(patch.shape)}, but the images have {x.shape[1]} channels: expected "
            f"({x.shape[1]}, height, width), so fit it on such images"
        )
    return patch.to(x)


def made(patch: Tensor, threat: PatchThreat, forwards: int = 0, backwards: int = 0) -> Fitted:
    """A patch with its outline, and the passes that went into it (one an image), for the record."""
    return {
        "patch": patch,
        "alpha": cutout(threat.shape),
        "fit_forwards": torch.tensor(forwards),
        "fit_backwards": torch.tensor(backwards),
    }
