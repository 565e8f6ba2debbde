"""Where a sticker is tried: the same placements for an attack and for its controls."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from robustkit.plugin import AttackInfo, Batch, IterativeAttack, PatchThreat, Response, SampleRandom, State, Threat, UsageError
from robustkit.rendering import Placement, PlacementRange, render


@dataclass(frozen=True, kw_only=True)
class Places:
    """A sticker's placements. They depend only on the seed, the sample id and these parameters.

    Parameters
    ----------
    placements
        Number of placements tried in each image; the first successful one counts.
    rotation
        Maximum rotation in either direction, in degrees, 0 to 180.
    scale
        Minimum size, as a fraction of the maximum allowed by the threat, in (0, 1].
    brightness
        Maximum relative change of the sticker's brightness in either direction, in [0, 1).
    """

    placements: int = 1
    rotation: float = 0.0
    scale: float = 1.0
    brightness: float = 0.0

    def __post_init__(self) -> None:
        if self.placements < 1:
            raise UsageError(f"placements={self.placements} must be at least 1")
        if not 0 <= self.rotation <= 180:
            raise UsageError(f"rotation={self.rotation} must be between 0 and 180 degrees")
        if not 0 < self.scale <= 1:
            raise UsageError(f"scale={self.scale} must be above 0 and at most 1, a fraction of the maximum size")
        if not 0 <= self.brightness < 1:
            raise UsageError(f"brightness={self.brightness} must be at least 0 and below 1")

    @property
    def range(self) -> PlacementRange:
        """The range of placements."""
        return PlacementRange(rotation=self.rotation, scale=self.scale, brightness=self.brightness)


def candidate(batch: Batch, number: Tensor, where: PlacementRange | None = None) -> Placement:
    """The candidate placement of this number, ``(B,)``, in each image of a batch, whatever the attack."""
    assert isinstance(batch.threat, PatchThreat)
    random = SampleRandom(batch.random.seed, "sticker")
    return (where or PlacementRange()).draw(batch.threat, batch.x, batch.sample_ids, random, step=number)


@dataclass(frozen=True, kw_only=True)
class Trial(Places, IterativeAttack[State]):
    """A given sticker, tried at one placement after another.

    Parameters
    ----------
    texture
        ``(C, h, w)``.
    placements, rotation, scale, brightness
        As in `Places`.
    """

    texture: Tensor
    steps: int = field(default=1, init=False, repr=False)

    needs_gradient: ClassVar[bool] = False
    info: ClassVar[AttackInfo] = AttackInfo(
        name="sticker",
        threats=("patch",),
        knowledge="decision",
        targeted=True,
        cost="placements + 1 forwards",
        paper="Adversarial Patch, arXiv 1712.09665",
        any_criterion=True,
    )

    def attempt_steps(self, threat: Threat) -> int:
        return self.placements - 1

    def start(self, batch: Batch) -> State:
        return self._put(batch, torch.zeros_like(batch.sample_ids))

    def step(self, batch: Batch, state: State, response: Response) -> State:
        return self._put(batch, response.step + 1)

    def _put(self, batch: Batch, number: Tensor) -> State:
        assert isinstance(batch.threat, PatchThreat)
        placement = candidate(batch, number, self.range)
        return State(x_adv=render(batch.x, self.texture, batch.threat.shape, placement, batch.bounds)[0])
